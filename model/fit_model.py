"""One model from a split and its training copy: fitted, or gone on with, in its own folder."""

import logging
from collections.abc import Callable
from dataclasses import asdict, replace

import jax
import jax.numpy as jnp
import numpy as np
import psutil
from jax.sharding import Mesh

from model.baselines.copy_matrix import CopyMatrix
from model.baselines.observed_pca import ObservedPcaSettings, fit_observed_pca
from model.baselines.pca import fit_pca
from model.batches.loader import (
    LoaderSettings,
    loader_kind,
    make_loader,
    resident_bytes,
    streamed_bytes,
)
from model.batches.rows import epoch_rows, ordered_rows
from model.networks.autoencoder import Autoencoder
from model.recipe import Devices
from model.task import Task, row_weights
from model.training.environment import describe_environment
from model.training.estimate import Estimate, check_fits, estimate_training
from model.training.gene_columns import make_gene_columns
from model.training.loop import Data, train, validate
from model.training.metrics import Metrics
from model.training.placement import make_mesh
from model.training.progress import Progress
from storage.errors import InputError

log = logging.getLogger(__name__)

# Components to start from need not be found to the last digit.
START = ObservedPcaSettings(tolerance=1e-4, iterations=30)


def estimate_task(task: Task) -> Estimate:
    """What fitting will take; refused if it can't fit on this machine."""
    loader, se = _loader_settings(task), task.recipe.fit.loss.weight_by_se
    resident = loader_kind(task.copy, loader, se=se) == "resident"
    estimate = estimate_training(
        task.recipe.network,
        task.recipe.fit,
        n_columns=int(task.scaling.mask.sum()),
        n_training=len(task.training),
        n_validation=len(task.validation),
        row_bytes=task.copy.row_bytes * (2 if se else 1),
        resident_bytes=resident_bytes(task.copy, se=se) if resident else 0,
        loader_bytes=0
        if resident
        else streamed_bytes(task.copy, task.recipe.fit.batch_size, loader, se=se),
    )
    device = jax.devices()[0]
    limit = (device.memory_stats() or {}).get("bytes_limit") if device.platform != "cpu" else None
    check_fits(
        estimate,
        device_bytes=limit,
        host_bytes=psutil.virtual_memory().available,
        shared=device.platform == "cpu",
    )
    return estimate


def fit_model(
    task: Task, stop: Callable[[], bool] = lambda: False, metrics: Metrics | None = None
) -> Progress:
    """Fit a model from its newest checkpoint on, or from the beginning.

    Metrics go to its `metrics.jsonl` unless they are wanted elsewhere.
    """
    fit = task.recipe.fit
    scaling = task.scaling
    devices = task.recipe.devices
    columns = make_gene_columns(
        scaling.shift, scaling.scale, scaling.mask, multiple_of=devices.genes
    )
    net = Autoencoder(
        task.recipe.network,
        int(scaling.mask.sum()),
        seed=fit.seed,
        n_columns=len(columns.index),
    )
    task.folder.mkdir(parents=True, exist_ok=True)
    newest = task.checkpoints.newest()
    if newest is not None:
        newest.identity.check_resumable(task.identity)
    loader = make_loader(
        task.copy, fit.batch_size, _loader_settings(task), se=fit.loss.weight_by_se
    )
    data = Data(
        loader=loader,
        columns=columns,
        order=lambda epoch: epoch_rows(task.training, fit.batch_size, fit.seed, epoch, pad=True),
        validation=ordered_rows(task.validation, fit.batch_size),
        row_weight=row_weights(task),
        mesh=_mesh(devices),
    )
    try:
        if newest is None and task.recipe.network.initial == "pca":
            _start_at_components(net, task, replace(data, mesh=None))
        return train(
            net,
            data,
            fit,
            checkpoints=task.checkpoints,
            identity=task.identity,
            metrics=metrics or task.metrics,
            stop=stop,
        )
    finally:
        loader.close()


def _start_at_components(net: Autoencoder, task: Task, data: Data) -> None:
    """Start at the principal components, of all entries or of observed ones, that validate better.

    Those of observed entries are the better ones, unless there are few rows for the rank and much is missing.
    """
    rank = task.recipe.network.code
    log.info("finding %d principal components to start from", rank)
    training = CopyMatrix(task.copy, task.training, task.scaling)
    zeros = fit_pca(training, rank)
    observed = fit_observed_pca(training, rank, START, start=zeros)
    losses = []
    starts = [jnp.asarray(c) for c in (observed.components, zeros.projection.components)]
    for components in starts:
        net.start_at(components)
        losses.append(validate(net, data, data.columns, task.recipe.fit))
    net.start_at(starts[int(np.argmin(losses))])


def _mesh(devices: Devices) -> Mesh | None:
    if devices == Devices():
        return None
    try:
        return make_mesh(devices.rows, devices.genes)
    except ValueError as error:
        raise InputError(f"[train.devices]: {error}") from error


def _loader_settings(task: Task) -> LoaderSettings:
    return LoaderSettings(budget_gib=task.recipe.memory_gib)


def describe(task: Task) -> dict[str, object]:
    """The model's settings, data, and where it is trained, for its `config.json`."""
    return {
        "recipe": asdict(task.recipe),
        **asdict(task.identity),
        "environment": describe_environment(),
    }

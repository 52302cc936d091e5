"""One model from a split and its training copy: fitted, or gone on with, in its own folder."""

from collections.abc import Callable
from dataclasses import asdict, replace

import jax
import psutil
from jax.sharding import Mesh

from model.baselines.copy_matrix import CopyMatrix
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
from model.start import start_at_components
from model.task import Task, row_weights
from model.training.environment import describe_environment
from model.training.estimate import Estimate, check_fits, estimate_training
from model.training.gene_columns import make_gene_columns
from model.training.interrupt import StopAskedError
from model.training.loop import Data, train
from model.training.metrics import Metrics
from model.training.placement import make_mesh
from model.training.progress import Progress, begin
from storage.errors import InputError


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
    """Fit a model from its newest checkpoint on, or from the beginning, to its end or until `stop`.

    Where it is stopped while it looks for its start, nothing is saved. Metrics go to its `metrics.jsonl`
    unless they are wanted elsewhere.
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
            training = CopyMatrix(task.copy, task.training, scaling)
            start_at_components(net, training, replace(data, mesh=None), fit, stop)
        return train(
            net,
            data,
            fit,
            checkpoints=task.checkpoints,
            identity=task.identity,
            metrics=metrics or task.metrics,
            stop=stop,
        )
    except StopAskedError:
        return begin(fit)
    finally:
        loader.close()


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

"""One model from a split and its training copy: fitted, or gone on with, in its own folder."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

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
from model.recipe import MODELS, Devices, Recipe
from model.scaling import Scaling
from model.scaling_rows import scaling_of_rows
from model.trained_on import TrainedOn
from model.training.checkpoints import FOLDER as CHECKPOINTS
from model.training.checkpoints import Checkpoints, Identity
from model.training.environment import describe_environment
from model.training.estimate import Estimate, check_fits, estimate_training
from model.training.gene_columns import make_gene_columns
from model.training.loop import Data, check_batch, train, validate
from model.training.metrics import JsonLines, Metrics
from model.training.placement import make_mesh
from model.training.progress import Progress
from storage.chunk_cache import CACHE
from storage.errors import InputError
from storage.files import Files
from storage.split import Split
from storage.training_copy import TrainingCopy

log = logging.getLogger(__name__)

# Components to start from need not be found to the last digit.
START = ObservedPcaSettings(tolerance=1e-4, iterations=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A model to be fitted: the data, which of its rows do what, and the recipe.

    `training` and `validation` are rows of the copy, without those of the held-out `fold` if there is one;
    `scaling` says how its genes are standardised, and which are learned.
    """

    folder: Path
    split: Split
    copy: TrainingCopy
    recipe: Recipe
    training: np.ndarray
    validation: np.ndarray
    scaling: Scaling
    fold: int | None = None

    @property
    def identity(self) -> Identity:
        """What a checkpoint of it says of itself."""
        manifest = self.copy.manifest
        config: dict[str, Any] = {
            **self.recipe.binding(),
            "split": self.split.store,
            "copy": manifest.key,
            **self.trained_on.hashes(),
        }
        if self.fold is not None:
            config["fold"] = self.fold
        return Identity(
            gene_list_sha256=manifest.gene_list_sha256,
            generation=manifest.generation,
            config=config,
        )

    @property
    def trained_on(self) -> TrainedOn:
        """Ids of its genes and contrasts."""
        genes, contrasts = self.copy.genes, self.copy.contrasts
        return TrainedOn(
            genes=tuple(genes[i] for i in np.flatnonzero(self.scaling.mask)),
            training=tuple(contrasts[i] for i in self.training),
            validation=tuple(contrasts[i] for i in self.validation),
        )

    @property
    def checkpoints(self) -> Checkpoints:
        """Where its checkpoints lie."""
        return Checkpoints(self.folder / CHECKPOINTS)

    @property
    def metrics(self) -> JsonLines:
        """Where its metrics go."""
        return JsonLines(self.folder / "metrics.jsonl")


def make_task(
    disk: Files,
    workspace: Path,
    name: str,
    split: Split,
    recipe: Recipe,
    fold: int | None = None,
) -> Task:
    """The model `name` of a workspace, on the parts of a split, without the contrasts of `fold`.

    `disk` has the compendium and the training copy; models lie in the folder `workspace`.

    Where a fold is held out, the scaling is that of the training rows that are left.

    Raises
    ------
    InputError
        A name that is no folder's, a copy that is not there, a batch larger than the training part, or more
        components to start from than there are.
    """
    folder = model_folder(workspace, name)
    copy = TrainingCopy.open(disk, split.copy, verify=False, cache=workspace / CACHE)
    training, validation = (
        split.rows(part) if fold is None else split.rows(part)[split.fold[split.rows(part)] != fold]
        for part in ("train", "validation")
    )
    check_batch(recipe.fit.batch_size, len(training))
    if not len(validation):
        raise InputError("the split has no validation contrast; give [prepare.split] other shares")
    scaling = Scaling.from_split(split, copy.genes)
    _check_start(recipe, len(training), int(scaling.mask.sum()))
    rows = copy_rows(copy, split, training)
    if fold is not None:
        scaling = scaling_of_rows(copy, rows, split.weight[training], scaling, split.scaling)
    return Task(
        folder=folder,
        split=split,
        copy=copy,
        recipe=recipe,
        training=rows,
        validation=copy_rows(copy, split, validation),
        scaling=scaling,
        fold=fold,
    )


def model_folder(workspace: Path, name: str) -> Path:
    """Where the model `name` lies; refuses what is no folder's name."""
    if not name or name != Path(name).name or name.startswith("."):
        raise InputError(f"{name!r} can't be the name of a model; give letters, digits and dashes")
    return workspace / MODELS / name


def _check_start(recipe: Recipe, n_rows: int, n_genes: int) -> None:
    most = min(n_rows - 1, n_genes)
    if recipe.network.initial == "pca" and recipe.network.code > most:
        raise InputError(
            f"code {recipe.network.code} is more than the {most} principal components of {n_rows} training "
            f"contrasts and {n_genes} genes; in [train.network], set code = {max(most, 1)} at most, or "
            'initial = "random"'
        )


def copy_rows(copy: TrainingCopy, split: Split, contrasts: np.ndarray) -> np.ndarray:
    """Rows of the copy that hold these contrasts of the split."""
    place = {contrast: i for i, contrast in enumerate(copy.contrasts)}
    return np.array([place[str(c)] for c in split.contrasts[contrasts]], np.int64)


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


def row_weights(task: Task) -> np.ndarray:
    """(rows of the copy,) the split's weights, with mean 1 over the training rows."""
    of_contrast = dict(zip(task.split.contrasts.tolist(), task.split.weight.tolist(), strict=True))
    weights = np.array([of_contrast[c] for c in task.copy.contrasts])
    mean: np.ndarray = weights / weights[task.training].mean()
    return mean


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

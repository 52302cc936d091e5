"""One model from a split and its training copy: fitted, or gone on with, in its own folder."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace

from model.baselines.copy_matrix import CopyMatrix
from model.batches.loader import make_loader
from model.batches.rows import epoch_rows, ordered_rows
from model.networks.autoencoder import Autoencoder
from model.recipe import Devices
from model.start import Starts, find_starts, start_at_best
from model.task import Task, row_weights
from model.training.environment import describe_environment
from model.training.gene_columns import make_gene_columns
from model.training.interrupt import StopAskedError
from model.training.loop import Data, train
from model.training.metrics import Metrics
from model.training.placement import made_on_host, mesh_of, place_network
from model.training.progress import Progress, begin

log = logging.getLogger(__name__)


def fit_model(
    task: Task, stop: Callable[[], bool] = lambda: False, metrics: Metrics | None = None
) -> Progress:
    """Fit a model from its newest checkpoint on, or from the beginning, to its end or until `stop`.

    Where it is stopped while it looks for its start, nothing is saved. Metrics go to its `metrics.jsonl`
    unless they are wanted elsewhere.
    """
    task.folder.mkdir(parents=True, exist_ok=True)
    newest = task.checkpoints.newest()
    if newest is not None:
        newest.identity.check_resumable(task.identity)
    with _network_and_data(task) as (net, data):
        try:
            if newest is None:
                _start(net, data, task, stop)
            return train(
                net,
                data,
                task.recipe.fit,
                checkpoints=task.checkpoints,
                identity=task.identity,
                metrics=metrics or task.metrics,
                stop=stop,
            )
        except StopAskedError:
            return begin(task.recipe.fit)


def start_of(task: Task, starts: Starts) -> Autoencoder:
    """The network of a task before its first step, on one device; `starts` are those of its rows and code."""
    alone = replace(task, recipe=replace(task.recipe, devices=Devices()))
    with _network_and_data(alone) as (net, data):
        start_at_best(net, starts, data, task.recipe.fit, lambda: False)
    return net


def _start(net: Autoencoder, data: Data, task: Task, stop: Callable[[], bool]) -> None:
    if task.recipe.network.initial == "pca":
        rank = task.recipe.network.code
        log.info("finding %d principal components to start from", rank)
        training = CopyMatrix(task.copy, task.training, task.scaling)
        start_at_best(net, find_starts(training, rank, stop), data, task.recipe.fit, stop)


@contextmanager
def _network_and_data(task: Task) -> Iterator[tuple[Autoencoder, Data]]:
    fit = task.recipe.fit
    scaling = task.scaling
    devices = task.recipe.devices
    mesh = mesh_of(devices)
    columns = make_gene_columns(
        scaling.shift, scaling.scale, scaling.mask, multiple_of=devices.genes
    )
    with made_on_host(mesh):
        net = Autoencoder(
            task.recipe.network,
            int(scaling.mask.sum()),
            seed=fit.seed,
            n_columns=len(columns.index),
        )
    if mesh is not None:
        place_network(net, mesh)
    loader = make_loader(task.copy, fit.batch_size, task.loader, se=fit.loss.weight_by_se)
    data = Data(
        loader=loader,
        columns=columns,
        order=lambda epoch: epoch_rows(task.training, fit.batch_size, fit.seed, epoch, pad=True),
        validation=ordered_rows(task.validation, fit.batch_size),
        row_weight=row_weights(task),
        mesh=mesh,
    )
    try:
        yield net, data
    finally:
        loader.close()


def describe(task: Task) -> dict[str, object]:
    """The model's settings, data, and where it is trained, for its `config.json`."""
    return {
        "recipe": asdict(task.recipe),
        **asdict(task.identity),
        "environment": describe_environment(),
    }

"""One model from a split and its training copy: fitted, or gone on with, in its own folder."""

from collections.abc import Callable
from dataclasses import asdict

from model.baselines.copy_matrix import CopyMatrix
from model.batches.loader import make_loader
from model.batches.rows import epoch_rows, ordered_rows
from model.networks.autoencoder import Autoencoder
from model.start import start_at_components
from model.task import Task, row_weights
from model.training.environment import describe_environment
from model.training.gene_columns import make_gene_columns
from model.training.interrupt import StopAskedError
from model.training.loop import Data, train
from model.training.metrics import Metrics
from model.training.placement import made_on_host, mesh_of, place_network
from model.training.progress import Progress, begin


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
    task.folder.mkdir(parents=True, exist_ok=True)
    newest = task.checkpoints.newest()
    if newest is not None:
        newest.identity.check_resumable(task.identity)
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
        if newest is None and task.recipe.network.initial == "pca":
            training = CopyMatrix(task.copy, task.training, scaling)
            start_at_components(net, training, data, fit, stop)
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


def describe(task: Task) -> dict[str, object]:
    """The model's settings, data, and where it is trained, for its `config.json`."""
    return {
        "recipe": asdict(task.recipe),
        **asdict(task.identity),
        "environment": describe_environment(),
    }

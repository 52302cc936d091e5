"""The training loop: epochs of steps, validation, the learning rate, checkpoints, and when to end."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh

from model.batches.batch import Loader, Rows
from model.networks.autoencoder import Autoencoder
from model.training.adam import keras_adam
from model.training.checkpoints import Checkpoints, Identity, restore_into
from model.training.gene_columns import GeneColumns
from model.training.interrupt import StopAskedError
from model.training.metrics import Metrics
from model.training.placement import place_batch, place_columns
from model.training.progress import Progress, begin
from model.training.settings import TrainSettings
from model.training.step import Batch, all_finite, evaluation_step, train_step
from storage.errors import DexomeError, InputError

Order = Callable[[int], Rows]


class DivergedError(DexomeError):
    """A loss or parameter is no number: the last good checkpoint stays; lower the learning rate.

    `what` says which, without what to do of a model.
    """

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what, cure)
        self.what = what
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.what}; {self.cure}"


@dataclass(frozen=True, kw_only=True)
class Data:
    """What is trained on.

    `order` gives the (steps, batch) training rows of an epoch, −1 where a batch is not full; `validation`
    the same of the rows that judge; `row_weight` is by row of the copy, with mean 1 over the training rows.
    """

    loader: Loader
    columns: GeneColumns
    order: Order
    validation: Rows
    row_weight: np.ndarray
    mesh: Mesh | None = None

    def batches(self, rows: Rows) -> Iterable[Batch]:
        """The batches of these rows, where the network wants them."""
        padded = np.append(self.row_weight, 0).astype(np.float32)
        for of_batch, raw, raw_se in self.loader.batches(rows):
            batch = Batch(raw, jnp.asarray(padded[of_batch]), raw_se)
            yield batch if self.mesh is None else place_batch(batch, self.mesh)


def check_batch(batch_size: int, n_rows: int, n_shares: int = 1) -> None:
    """Refuse a batch that the training rows can't fill, or that so many devices can't share evenly."""
    if not n_rows:
        raise InputError(
            "there is no training contrast; give [prepare.split] other shares or fewer folds"
        )
    what = f"batch_size {batch_size} of [train.fit]"
    if batch_size > n_rows:
        raise InputError(
            f"{what} is larger than the {n_rows} training contrasts; set it to {n_rows} at most (a preset "
            "does not read it: train without --preset)"
        )
    if batch_size % n_shares:
        raise InputError(
            f"{what} is not a multiple of the {n_shares} devices that share it; set it to "
            f"{max(batch_size // n_shares, 1) * n_shares}, or other rows in [train.devices]"
        )


def train(
    net: Autoencoder,
    data: Data,
    settings: TrainSettings,
    *,
    checkpoints: Checkpoints,
    identity: Identity,
    metrics: Metrics,
    stop: Callable[[], bool] = lambda: False,
) -> Progress:
    """Train `net` in place from its newest checkpoint on, to the end or until `stop`.

    Where the data have a mesh, the network lies on it. A validation that `stop` cuts short is done again as a
    whole by the next run, with the same result.

    Raises
    ------
    InputError
        The newest checkpoint is of other genes, another generation or other settings.
    DivergedError
        A loss or a parameter is not finite; the message names the step.
    StoreError
        A checkpoint can't be written.
    """
    columns = data.columns
    if data.mesh is not None:
        columns = place_columns(columns, data.mesh)
    optimizer = nnx.Optimizer(net, keras_adam(settings.learning_rate), wrt=nnx.Param)
    progress = begin(settings)
    checkpoints.clear()
    newest = checkpoints.newest()
    if newest is not None:
        newest.identity.check_resumable(identity)
        restore_into(newest, net=net, optimizer=optimizer)
        progress = newest.progress
    metrics.go_back_to(progress.step, progress.epoch)

    def save(progress: Progress) -> None:
        if not all_finite(net):
            raise _diverged(f"a parameter is no number after step {progress.step}", checkpoints)
        checkpoints.save(net, optimizer, data.columns, identity, progress)

    if newest is None and net.settings.initial == "pca":
        # Principal components are a model already: training must not end with a worse one.
        progress = replace(progress, best_loss=validate(net, data, columns, settings))
        save(progress)
    while not progress.why_ended(settings):
        started = time.monotonic()
        _set_rate(optimizer, progress.plateau.rate)
        rows = data.order(progress.epoch)
        waiting: list[jax.Array] = []
        batch = None
        for batch in data.batches(rows[len(progress.losses) :]):
            loss = train_step(
                net, optimizer, batch, columns, settings=settings.loss, seed=settings.seed
            )
            waiting.append(loss)
            asked = stop()
            if len(waiting) == settings.log_every or asked:
                progress = _read_losses(progress, waiting, checkpoints, metrics)
                waiting = []
            if asked:
                # What the last update made was not looked at by a step after it.
                _check_loss(net, batch, columns, settings, progress, checkpoints)
                save(progress)
                return progress
        progress = _read_losses(progress, waiting, checkpoints, metrics)
        try:
            validation_loss = validate(net, data, columns, settings, stop)
        except StopAskedError:
            # Without a step since the last checkpoint that one is all there is to save.
            if batch is not None:
                _check_loss(net, batch, columns, settings, progress, checkpoints)
                save(progress)
            return progress
        told = {
            "step": progress.step,
            "epoch": progress.epoch,
            "train_loss": _epoch_loss(progress.losses, rows),
            "validation_loss": validation_loss,
            "learning_rate": progress.plateau.rate,
            "seconds": round(time.monotonic() - started, 3),
        }
        if not math.isfinite(validation_loss):
            raise _diverged(
                f"the validation loss of step {progress.step} is {validation_loss}", checkpoints
            )
        progress = progress.after_epoch(validation_loss, settings)
        # The metrics first: a resumed training forgets lines that are ahead of its checkpoint.
        metrics.write([told])
        save(progress)
    return progress


def validate(
    net: Autoencoder,
    data: Data,
    columns: GeneColumns,
    settings: TrainSettings,
    stop: Callable[[], bool] = lambda: False,
) -> float:
    """Weighted mean loss of the validation rows.

    Raises
    ------
    StopAskedError
        `stop` said so between two batches.
    """
    sums: list[tuple[jax.Array, jax.Array]] = []
    for batch in data.batches(data.validation):
        if stop():
            raise StopAskedError
        sums.append(evaluation_step(net, batch, columns, settings=settings.loss))
        # One runs, one is queued: with all of them queued a request to stop would come too late.
        jax.block_until_ready(sums[-2:][0])
    loss = math.fsum(float(loss) for loss, _ in sums)
    weight = math.fsum(float(weight) for _, weight in sums)
    if not weight:
        raise InputError(
            "the validation contrasts have no tested value of a selected gene; prepare another split"
        )
    return loss / weight


def _set_rate(optimizer: nnx.Optimizer[Autoencoder], rate: float) -> None:
    optimizer.opt_state.hyperparams["learning_rate"].set_value(jnp.float32(rate))


def _read_losses(
    progress: Progress, waiting: list[jax.Array], checkpoints: Checkpoints, metrics: Metrics
) -> Progress:
    """Bring losses to the host, write them down, and end at the first that is no number."""
    losses = [float(loss) for loss in waiting]
    lines = [{"step": progress.step + i + 1, "loss": loss} for i, loss in enumerate(losses)]
    for i, loss in enumerate(losses):
        if not math.isfinite(loss):
            metrics.write(lines[:i])
            raise _diverged(f"the loss of step {progress.step + i + 1} is {loss}", checkpoints)
    metrics.write(lines)
    return replace(progress, step=progress.step + len(losses), losses=[*progress.losses, *losses])


def _epoch_loss(losses: list[float], rows: Rows) -> float:
    """Mean over the rows, as Keras takes it: a batch counts by its rows."""
    return float(np.average(losses, weights=(rows >= 0).sum(1)))


def _check_loss(
    net: Autoencoder,
    batch: Batch,
    columns: GeneColumns,
    settings: TrainSettings,
    progress: Progress,
    checkpoints: Checkpoints,
) -> None:
    """Refuse a network whose loss on a batch is no number."""
    loss = float(evaluation_step(net, batch, columns, settings=settings.loss)[0])
    if not math.isfinite(loss):
        raise _diverged(f"the loss after step {progress.step} is {loss}", checkpoints)


def _diverged(what: str, checkpoints: Checkpoints) -> DivergedError:
    newest = checkpoints.newest()
    kept = "there is no checkpoint yet" if newest is None else f"{newest.path} is the last good one"
    return DivergedError(
        what,
        f"{kept}. Set a lower learning_rate in [train.fit] (a preset does not read it), and choose "
        f"another name for the model or delete {checkpoints.folder.parent}: it goes on with its own settings "
        "only. Or look for extreme values",
    )

"""Which rows a batch holds: a function of the seed and the epoch, and of nothing else."""

from collections.abc import Sequence

import numpy as np

from model.batches.batch import Rows
from storage.errors import InputError

# Stands for no row: the batch has NaN there.
PADDING = -1


def epoch_rows(
    rows: Sequence[int] | Rows, batch_size: int, seed: int, epoch: int, *, pad: bool = False
) -> Rows:
    """Rows of every batch of an epoch (step, batch), each of `rows` at most once, in random order.

    Parameters
    ----------
    pad
        Fill the short last batch up with `PADDING`; without it that batch is dropped, and an epoch leaves
        out other rows than the next.

    Raises
    ------
    InputError
        There are fewer rows than a batch takes, and `pad` is off; or no rows.
    """
    rows = np.asarray(rows, np.int64)
    _check(len(rows), batch_size, pad)
    order = rows[np.random.default_rng([seed, epoch]).permutation(len(rows))]
    return _cut(order, batch_size, pad)


def ordered_rows(rows: Sequence[int] | Rows, batch_size: int) -> Rows:
    """Rows of every batch (step, batch) of one pass in order, the last filled up with `PADDING`."""
    rows = np.asarray(rows, np.int64)
    _check(len(rows), batch_size, True)
    return _cut(rows, batch_size, True)


def n_steps(n_rows: int, batch_size: int, *, pad: bool = False) -> int:
    """Batches of an epoch."""
    return -(-n_rows // batch_size) if pad else n_rows // batch_size


def _check(n_rows: int, batch_size: int, pad: bool) -> None:
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if not n_rows:
        raise InputError("the part of the split has no contrast; give [prepare.split] other shares")
    if n_rows < batch_size and not pad:
        raise InputError(
            f"a batch of {batch_size} is larger than the {n_rows} contrasts of the part; set a batch size of "
            f"{n_rows} at most"
        )


def _cut(order: Rows, batch_size: int, pad: bool) -> Rows:
    steps = n_steps(len(order), batch_size, pad=pad)
    found = np.full((steps, batch_size), PADDING, np.int64)
    found.ravel()[: min(len(order), steps * batch_size)] = order[: steps * batch_size]
    return found

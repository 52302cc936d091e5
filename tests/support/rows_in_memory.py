"""Rows of a small matrix in memory, as a loader gives them."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np

from model.batches.batch import Batch, Rows


class MemoryLoader:
    """A (rows, genes) matrix; row −1 is NaN."""

    def __init__(self, logfc: np.ndarray, se: np.ndarray | None = None) -> None:
        self.logfc = _padded(logfc)
        self.se = None if se is None else _padded(se)

    def batches(self, rows: Rows) -> Iterator[Batch]:
        for of_batch in rows:
            se = None if self.se is None else jnp.asarray(self.se[of_batch])
            yield Batch(of_batch, jnp.asarray(self.logfc[of_batch]), se)

    def close(self) -> None:
        pass


def _padded(values: np.ndarray) -> np.ndarray:
    return np.vstack([values, np.full((1, values.shape[1]), np.nan)]).astype(np.float16)


def shuffled(n_rows: int, batch_size: int, epoch: int) -> Rows:
    """All rows once, in an order of the epoch's own, the last batch filled up with −1."""
    order = np.random.default_rng([7, epoch]).permutation(n_rows)
    padding = np.full(-n_rows % batch_size, -1)
    rows: Rows = np.r_[order, padding].reshape(-1, batch_size)
    return rows

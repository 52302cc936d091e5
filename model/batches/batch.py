"""One batch, and what gives batches."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import jax
import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


class Batch(NamedTuple):
    """Raw rows of a copy on the device.

    `rows` (batch,) are their numbers in the copy, −1 for none; `logfc`, and `se` where it was asked for,
    (batch, gene) float16, NaN where not observed.
    """

    rows: Rows
    logfc: jax.Array
    se: jax.Array | None


class Loader(Protocol):
    """Gives batches; for the same rows every loader gives the same bits."""

    def batches(self, rows: Rows) -> Iterator[Batch]:
        """The batches of `rows` (step, batch), one after the other; −1 stands for a row of NaN."""

    def close(self) -> None:
        """Let go of files, threads and memory."""

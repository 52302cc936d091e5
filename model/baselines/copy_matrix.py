"""Rows of a training copy as a matrix: standardised blocks, read from the files that they need."""

import numpy as np

from model.baselines.matrix import Floats
from model.scaling import Scaling
from storage.training_copy import TrainingCopy


class CopyMatrix:
    """Some rows of a copy, and its selected genes, standardised; nothing is kept in memory."""

    def __init__(self, copy: TrainingCopy, rows: np.ndarray, scaling: Scaling) -> None:
        self._copy = copy
        self._rows = rows
        self._genes = np.flatnonzero(scaling.mask)
        self._shift = scaling.shift[self._genes]
        self._scale = scaling.scale[self._genes]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and genes."""
        return len(self._rows), len(self._genes)

    def read(self, rows: slice, genes: slice) -> Floats:
        """A block, float32, NaN where not observed."""
        columns = self._genes[genes]
        wanted = self._rows[rows]
        raw = np.empty((len(wanted), len(columns)), np.float16)
        chunks = wanted // self._copy.chunk_rows
        shape = (self._copy.chunk_rows, self._copy.n_genes)
        for number in np.unique(chunks):
            here = np.flatnonzero(chunks == number)
            # Mapped, so that a block of few genes reads few pages.
            chunk = np.memmap(
                self._copy.chunk_file("logfc", int(number)), np.dtype("<f2"), "r", shape=shape
            )
            within = wanted[here] - number * self._copy.chunk_rows
            raw[here] = chunk[within[:, None], columns]
        scaled: Floats = (raw.astype(np.float32) - self._shift[genes]) * self._scale[genes]
        return scaled

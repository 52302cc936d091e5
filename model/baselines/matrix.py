"""A matrix that need not fit into memory: what the baselines ask of it, and one that does fit."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


class Matrix(Protocol):
    """(rows, genes) standardised values, NaN where not observed."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and genes."""

    def read(self, rows: slice, genes: slice) -> Floats:
        """A block of it, float32."""


class ArrayMatrix:
    """A matrix that is in memory."""

    def __init__(self, values: Floats) -> None:
        self._values = values

    @property
    def shape(self) -> tuple[int, int]:
        rows, genes = self._values.shape
        return rows, genes

    def read(self, rows: slice, genes: slice) -> Floats:
        return self._values[rows, genes]


def gene_blocks(matrix: Matrix, budget_gib: float) -> Iterator[tuple[slice, Floats]]:
    """All rows of so many genes at a time that a block in float64 stays below half of the budget."""
    n_rows, n_genes = matrix.shape
    width = _block_width(n_rows, budget_gib)
    for first in range(0, n_genes, width):
        genes = slice(first, min(first + width, n_genes))
        yield genes, matrix.read(slice(0, n_rows), genes)


def block_bytes(n_rows: int, n_genes: int, budget_gib: float) -> int:
    """Bytes in float64 of the largest block of `gene_blocks`."""
    return 8 * n_rows * min(_block_width(n_rows, budget_gib), n_genes)


def _block_width(n_rows: int, budget_gib: float) -> int:
    return max(1, int(budget_gib * 2**30 / 2 / 8 / max(n_rows, 1)))


def row_blocks(matrix: Matrix, height: int = 128) -> Iterator[tuple[slice, Floats]]:
    """All genes of so many rows at a time."""
    n_rows, n_genes = matrix.shape
    for first in range(0, n_rows, height):
        rows = slice(first, min(first + height, n_rows))
        yield rows, matrix.read(rows, slice(0, n_genes))

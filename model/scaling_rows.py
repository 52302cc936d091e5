"""What some rows of a training copy alone ask for, as a fold's do: their genes, their scaling, their mean."""

from collections.abc import Sequence

import numpy as np

from model.baselines.copy_matrix import CopyMatrix
from model.baselines.matrix import Floats, gene_blocks
from model.scaling import Scaling
from storage.training_copy import TrainingCopy

_BUDGET_GIB = 1.0


def scaling_of_rows(
    copy: TrainingCopy, rows: np.ndarray, weight: Floats, like: Scaling, kind: str
) -> Scaling:
    """Moments of `rows` (row,), each with its weight, for the genes that `like` has selected.

    Parameters
    ----------
    kind
        "rms" or "standard", as a split says it. A gene without spread in these rows is left out.
    """
    n_genes = len(like.mask)
    matrix = CopyMatrix(copy, rows, _raw(like.mask))
    weight = weight.astype(np.float64)
    n = matrix.shape[1]
    mean, square = np.zeros(n), np.zeros(n)
    for genes, block in gene_blocks(matrix, _BUDGET_GIB):
        x = block.astype(np.float64)
        observed = ~np.isnan(x)
        count = weight @ observed
        count[count == 0] = np.nan
        x = np.where(observed, x, 0)
        if kind == "standard":
            mean[genes] = weight @ x / count
            x = np.where(observed, x - mean[genes], 0)
        square[genes] = weight @ (x * x) / count
    spread = np.sqrt(square)
    usable = spread > 0
    selected = np.flatnonzero(like.mask)
    mask = np.zeros(n_genes, np.bool_)
    mask[selected[usable]] = True
    shift, scale = np.zeros(n_genes, np.float32), np.zeros(n_genes, np.float32)
    shift[mask] = mean[usable]
    scale[mask] = 1 / spread[usable]
    return Scaling(shift=shift, scale=scale, mask=mask)


def mean_of_rows(copy: TrainingCopy, rows: np.ndarray, weight: Floats, mask: np.ndarray) -> Floats:
    """(genes of `mask`,) mean of `rows` (row,), each with its weight, raw; NaN where there is none."""
    matrix = CopyMatrix(copy, rows, _raw(mask))
    mean = np.full(matrix.shape[1], np.nan)
    for genes, block in gene_blocks(matrix, _BUDGET_GIB):
        observed = ~np.isnan(block)
        count = weight @ observed
        total = weight @ np.where(observed, block, 0).astype(np.float64)
        np.divide(total, count, out=mean[genes], where=count > 0)
    return mean


def genes_of_rows(
    copy: TrainingCopy,
    rows: np.ndarray,
    studies: Sequence[str],
    mask: np.ndarray,
    *,
    min_contrasts: int,
    min_studies: int,
) -> np.ndarray:
    """(gene,) the genes of `mask` that enough of `rows` (row,), of enough studies (row,), have a value of."""
    order = np.argsort(np.asarray(studies), kind="stable")
    _, first = np.unique(np.asarray(studies)[order], return_index=True)
    matrix = CopyMatrix(copy, rows[order], _raw(mask))
    enough = np.zeros(matrix.shape[1], np.bool_)
    for genes, block in gene_blocks(matrix, _BUDGET_GIB):
        observed = ~np.isnan(block)
        of_studies = np.logical_or.reduceat(observed, first, axis=0).sum(0)
        enough[genes] = (observed.sum(0) >= min_contrasts) & (of_studies >= min_studies)
    found = np.zeros(len(mask), np.bool_)
    found[np.flatnonzero(mask)[enough]] = True
    return found


def _raw(mask: np.ndarray) -> Scaling:
    """The scaling that leaves values as they are."""
    n_genes = len(mask)
    return Scaling(
        shift=np.zeros(n_genes, np.float32), scale=np.ones(n_genes, np.float32), mask=mask
    )

"""The scaling that some rows of a training copy alone ask for: that of a fold's training rows."""

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
    plain = Scaling(
        shift=np.zeros(n_genes, np.float32), scale=np.ones(n_genes, np.float32), mask=like.mask
    )
    matrix = CopyMatrix(copy, rows, plain)
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

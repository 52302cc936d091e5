"""What some rows of a training copy alone ask for, as a fold's do: their genes, their scaling, their mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.baselines.copy_matrix import CopyMatrix
from model.baselines.matrix import Floats, gene_blocks
from model.scaling import Scaling
from storage.training_copy import TrainingCopy

_BUDGET_GIB = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneDemands:
    """Values in `min_contrasts` rows of `min_studies` studies, and a variance above `min_variance`.

    Of these the `keep` genes of highest variance, ties to the first; all where it is None.
    """

    min_contrasts: int = 0
    min_studies: int = 0
    min_variance: float = 0.0
    keep: int | None = None


def scaling_of_rows(
    copy: TrainingCopy,
    rows: np.ndarray,
    studies: Sequence[str],
    weight: Floats,
    among: np.ndarray,
    kind: str,
    demands: GeneDemands,
) -> Scaling:
    """Moments of `rows` (row,), each of its study and with its weight, as `prepare` takes them.

    Parameters
    ----------
    among
        (gene,) of the copy, bool: only these can be selected.
    kind
        "rms" or "standard", as a split says it.
    demands
        Genes of these rows that fall short are left out; those that never differ, always.
    """
    names = np.asarray(studies)
    order = np.argsort(names, kind="stable")
    _, first = np.unique(names[order], return_index=True)
    weight = weight.astype(np.float64)[order]
    matrix = CopyMatrix(copy, rows[order], _raw(among))
    n = matrix.shape[1]
    mean, variance, enough = np.zeros(n), np.zeros(n), np.zeros(n, np.bool_)
    for genes, block in gene_blocks(matrix, _BUDGET_GIB):
        observed = ~np.isnan(block)
        of_studies = np.logical_or.reduceat(observed, first, axis=0).sum(0)
        enough[genes] = (observed.sum(0) >= demands.min_contrasts) & (
            of_studies >= demands.min_studies
        )
        count = weight @ observed
        count[count == 0] = np.nan
        x = np.where(observed, block, 0).astype(np.float64)
        mean[genes] = weight @ x / count
        x = np.where(observed, x - mean[genes], 0)
        low, high = np.fmin.reduce(block, axis=0), np.fmax.reduce(block, axis=0)
        # A mean that is rounded leaves crumbs of a variance where there is none.
        variance[genes] = np.where(low == high, 0, weight @ (x * x) / count)
    usable = enough & (variance > demands.min_variance)
    if demands.keep is not None:
        order = np.argsort(np.where(usable, -variance, np.inf), kind="stable")
        usable[order[demands.keep :]] = False
    centre = mean if kind == "standard" else np.zeros(n)
    spread = np.sqrt(variance + (mean - centre) ** 2)
    selected = np.flatnonzero(among)[usable]
    mask = np.zeros(len(among), np.bool_)
    shift, scale = np.zeros(len(mask), np.float32), np.zeros(len(mask), np.float32)
    mask[selected] = True
    shift[selected] = centre[usable]
    scale[selected] = 1 / spread[usable]
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


def _raw(mask: np.ndarray) -> Scaling:
    """The scaling that leaves values as they are."""
    n_genes = len(mask)
    return Scaling(
        shift=np.zeros(n_genes, np.float32), scale=np.ones(n_genes, np.float32), mask=mask
    )

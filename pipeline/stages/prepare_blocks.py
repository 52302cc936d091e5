"""The tasks of the prepare stage: each reads some rows or some genes of the contrasts, block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr
from threadpoolctl import threadpool_limits

from pipeline.prepare.duplicates import correlation, sketch
from pipeline.prepare.moments import Moments, block_moments, merge_all
from storage.files import Files
from storage.open import contrasts_of, open_contrasts

BLOCK_ROWS = 512
BLOCK_GENES = 2048
PAIRS_PER_TASK = 512
_CHUNK_ROWS = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class SketchTask:
    """Sketches of the t of the rows from `first` up to `stop`."""

    generation: str
    first: int
    stop: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PairTask:
    """Exact correlations of t of pairs (pair, 2) of rows."""

    generation: str
    pairs: npt.NDArray[np.int64]
    min_genes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MomentsTask:
    """Moments of the genes from `first` up to `stop` over `rows`, ascending, of `weights` and `studies`.

    `studies` are codes, and rows of one study lie side by side.
    """

    generation: str
    first: int
    stop: int
    observed: str
    rows: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    studies: npt.NDArray[np.int64]


def sketch_rows(disk: Files, task: SketchTask) -> npt.NDArray[np.float32]:
    """Sketches (row, size) of a task's rows; holds their t."""
    t = _open(disk, task.generation)["t"][task.first : task.stop].values
    with threadpool_limits(1):
        return sketch(t)


def correlate_pairs(disk: Files, task: PairTask) -> npt.NDArray[np.float64]:
    """(pair,) correlations; holds the t of two chunks of rows at a time, and reads each pair of them once."""
    t = _open(disk, task.generation)["t"]
    found = np.zeros(len(task.pairs))
    chunks = task.pairs // _CHUNK_ROWS
    for pair in np.unique(chunks, axis=0):
        places = np.flatnonzero((chunks == pair).all(axis=1))
        # Whole chunks: Zarr reads a slice many times faster than rows one by one.
        of_chunk = {
            number: t[number * _CHUNK_ROWS : (number + 1) * _CHUNK_ROWS].values
            for number in set(pair.tolist())
        }
        for p in places:
            x, y = (
                of_chunk[row // _CHUNK_ROWS][row % _CHUNK_ROWS] for row in task.pairs[p].tolist()
            )
            found[p] = correlation(x, y, task.min_genes)
    return found


def gene_moments(disk: Files, task: MomentsTask) -> tuple[Moments, npt.NDArray[np.int64]]:
    """Moments of a task's genes, and the studies in which each is tested.

    Holds one block of rows x genes; blocks are merged pairwise in the order of the rows, so that the result
    is the same wherever it is computed.
    """
    blocks = _Blocks(_open(disk, task.generation), task)
    moments = merge_all(blocks.moments())
    return moments, blocks.tested_in.sum(axis=0)


class _Blocks:
    """Moments of one block of rows after the other, and on the way the studies that test each gene."""

    def __init__(self, contrasts: xr.Dataset, task: MomentsTask) -> None:
        self._contrasts = contrasts
        self._task = task
        _, self._code = np.unique(task.studies, return_inverse=True)
        n_studies = int(self._code.max()) + 1
        self.tested_in = np.zeros((n_studies, task.stop - task.first), np.bool_)

    def moments(self) -> Iterator[Moments]:
        task = self._task
        genes = slice(task.first, task.stop)
        for number in np.unique(task.rows // BLOCK_ROWS).tolist():
            start = number * BLOCK_ROWS
            of_block = np.flatnonzero(task.rows // BLOCK_ROWS == number)
            rows = task.rows[of_block] - start
            logfc, t = (
                self._contrasts[name][start : start + BLOCK_ROWS, genes].values[rows]
                for name in ("logfc", "t")
            )
            tested = ~np.isnan(t)
            if task.observed == "tested":
                logfc = np.where(tested, logfc, np.float32(np.nan))
            self._note(self._code[of_block], tested)
            yield block_moments(logfc, tested, task.weights[of_block])

    def _note(self, code: npt.NDArray[np.int64], tested: npt.NDArray[np.bool_]) -> None:
        order = np.argsort(code, kind="stable")
        present, starts = np.unique(code[order], return_index=True)
        self.tested_in[present] |= np.logical_or.reduceat(tested[order], starts, axis=0)


def sketch_tasks(generation: str, n_rows: int) -> list[SketchTask]:
    """Tasks for all rows."""
    return [
        SketchTask(generation=generation, first=first, stop=min(first + BLOCK_ROWS, n_rows))
        for first in range(0, n_rows, BLOCK_ROWS)
    ]


def pair_tasks(generation: str, pairs: npt.NDArray[np.int64], min_genes: int) -> list[PairTask]:
    """Tasks for all pairs, those of the same chunks together."""
    order = np.lexsort((pairs[:, 1] // _CHUNK_ROWS, pairs[:, 0] // _CHUNK_ROWS))
    return [
        PairTask(
            generation=generation,
            pairs=pairs[order[first : first + PAIRS_PER_TASK]],
            min_genes=min_genes,
        )
        for first in range(0, len(pairs), PAIRS_PER_TASK)
    ]


def moments_tasks(
    generation: str,
    n_genes: int,
    observed: str,
    rows: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    studies: Sequence[int] | npt.NDArray[np.int64],
) -> list[MomentsTask]:
    """Tasks for all genes."""
    return [
        MomentsTask(
            generation=generation,
            first=first,
            stop=min(first + BLOCK_GENES, n_genes),
            observed=observed,
            rows=rows,
            weights=weights,
            studies=np.asarray(studies, np.int64),
        )
        for first in range(0, n_genes, BLOCK_GENES)
    ]


def _open(disk: Files, generation: str) -> xr.Dataset:
    return contrasts_of(open_contrasts(disk, generation))

"""DEE2's bulk HDF5 file: blocks of runs, each chunk read once, in memory that does not grow with the file."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from storage.errors import InputError

_MATRIX, _ROWS, _COLUMNS = "bigmatrix", "rownames", "colnames"
BLOCK_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """Counts (run, gene) of wanted runs among those from position `first` in the file up to `stop`."""

    first: int
    stop: int
    runs: list[str]
    genes: list[str]
    counts: npt.NDArray[np.generic]


def read_hdf5(
    path: Path, wanted: Collection[str], *, start: int = 0, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """The blocks of a file that hold wanted runs, and of each the wanted runs alone.

    R writes runs × genes, which others see the other way round: the names' lengths tell. Blocks are of
    whole chunks. Both names are held in memory, and one block.

    Parameters
    ----------
    start
        Position of the first run to read: blocks before it were read by an earlier pass.
    block_bytes
        Size of a block, unless one row of chunks is larger.

    Raises
    ------
    InputError
        It is no such file, is damaged, or its names don't fit its matrix.
    """
    needed = set(wanted)
    try:
        with h5py.File(path, "r") as file:
            matrix, runs, genes = _parts(file, path)
            runs_first = _runs_first(matrix, len(runs), len(genes), path)
            step = _block_runs(matrix, runs_first, len(genes), block_bytes)
            for first in range(start - start % step, len(runs), step):
                names = runs[first : first + step]
                stop = first + len(names)
                kept = [i for i, name in enumerate(names) if name in needed]
                if kept:
                    values = matrix[first:stop] if runs_first else matrix[:, first:stop].T
                    yield Block(first, stop, [names[i] for i in kept], genes, values[kept])
    except (OSError, KeyError, RuntimeError) as error:
        raise InputError(
            f"{path} can't be read as a bulk file of DEE2 ({error}); delete it and run `dexome fetch`"
        ) from error


def _parts(file: h5py.File, path: Path) -> tuple[h5py.Dataset, list[str], list[str]]:
    missing = [name for name in (_MATRIX, _ROWS, _COLUMNS) if name not in file]
    if missing:
        raise InputError(
            f"{path} has no {' and no '.join(missing)}: it is no bulk file of DEE2; give another"
        )
    matrix = file[_MATRIX]
    if matrix.ndim != 2 or matrix.dtype.kind not in "iuf":
        raise InputError(
            f"{path} holds {matrix.dtype} of {matrix.ndim} dimensions, not a matrix of counts"
        )
    return matrix, _names(file[_ROWS]), _names(file[_COLUMNS])


def _names(names: h5py.Dataset) -> list[str]:
    return [
        (name.decode() if isinstance(name, bytes) else str(name)).strip() for name in names[:].flat
    ]


def _runs_first(matrix: h5py.Dataset, n_runs: int, n_genes: int, path: Path) -> bool:
    if n_runs == n_genes and matrix.shape == (n_runs, n_genes) and matrix.chunks:
        # A square matrix: a chunk holds a few runs and all genes.
        return bool(matrix.chunks[0] <= matrix.chunks[1])
    for shape, runs_first in (((n_runs, n_genes), True), ((n_genes, n_runs), False)):
        if matrix.shape == shape:
            return runs_first
    raise InputError(
        f"{path} has a matrix of {matrix.shape[0]} x {matrix.shape[1]} for {n_runs} runs and "
        f"{n_genes} genes: it is damaged; delete it and run `dexome fetch`"
    )


def _block_runs(matrix: h5py.Dataset, runs_first: bool, n_genes: int, block_bytes: int) -> int:
    """Number of runs of a block: whole chunks, at least one."""
    chunk = matrix.chunks[0 if runs_first else 1] if matrix.chunks else 1
    of_chunk = chunk * n_genes * matrix.dtype.itemsize
    return int(chunk * max(1, block_bytes // max(of_chunk, 1)))

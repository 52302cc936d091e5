"""DEE2's bulk files until 2025: `run, gene, count` lines, packed by bzip2, read in one pass, run by run."""

from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as pa_csv

from pipeline.sources.bulk_hdf5 import BLOCK_BYTES, Block
from storage.errors import InputError

_BATCH_BYTES = 4 << 20
_NAMES = ["run", "gene", "count"]


def read_long_text(
    path: Path, wanted: Collection[str], *, start: int = 0, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """The wanted runs of a long file; lines of a run stand together, in any order of genes.

    A line that has not three fields is passed over, as DEE2's author does. `start` is the number of
    runs that an earlier pass has read.

    Raises
    ------
    InputError
        The file is damaged, a count is no number, or a run has other genes than the first.
    """
    needed = set(wanted)
    genes: list[str] = []
    place: dict[str, int] = {}
    first, held = start, list[tuple[str, npt.NDArray[np.float64]]]()
    position = -1
    for position, (run, names, counts) in enumerate(_runs(path)):
        if not genes:
            genes = names
            place = {gene: i for i, gene in enumerate(genes)}
        if run not in needed or position < start:
            continue
        if names != genes:
            at = [place.get(name, -1) for name in names]
            if sorted(at) != list(range(len(genes))):
                raise InputError(
                    f"{path}: run {run} has other genes than the first run, or some twice; the file "
                    "is damaged, delete it and run `dexome fetch`"
                )
            ordered = np.empty_like(counts)
            ordered[at] = counts
            counts = ordered
        held.append((run, counts))
        if len(held) * counts.nbytes >= block_bytes:
            yield _block(first, position + 1, genes, held)
            first, held = position + 1, []
    if held:
        yield _block(first, position + 1, genes, held)


def _block(
    first: int, stop: int, genes: list[str], held: list[tuple[str, npt.NDArray[np.float64]]]
) -> Block:
    return Block(first, stop, [run for run, _ in held], genes, np.stack([c for _, c in held]))


def _runs(path: Path) -> Iterator[tuple[str, list[str], npt.NDArray[np.float64]]]:
    """Each run with its genes and counts, in the order of the file."""
    run = ""
    names: list[str] = []
    counts: list[npt.NDArray[np.float64]] = []
    for batch in _batches(path):
        runs = batch["run"].to_numpy(zero_copy_only=False)
        genes = batch["gene"].to_pylist()
        values = batch["count"].to_numpy()
        cuts = [0, *(np.flatnonzero(runs[1:] != runs[:-1]) + 1), len(runs)]
        for begin, end in pairwise(cuts):
            if begin == end:
                continue
            if runs[begin] != run:
                if names:
                    yield run, names, np.concatenate(counts)
                run, names, counts = str(runs[begin]), [], []
            names += genes[begin:end]
            counts.append(values[begin:end])
    if names:
        yield run, names, np.concatenate(counts)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "bz2") as stream:
            yield from pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(
                    column_names=_NAMES, use_threads=False, block_size=_BATCH_BYTES
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter="\t", quote_char=False, invalid_row_handler=lambda _: "skip"
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict(
                        zip(_NAMES, (pa.string(), pa.string(), pa.float64()), strict=True)
                    ),
                    strings_can_be_null=False,
                ),
            )
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            f"{path} can't be read as a bulk file of DEE2 ({str(error).splitlines()[0]}); delete it "
            "and run `dexome fetch`"
        ) from error

"""What the same query costs on the matrix as a TSV, in the orientation that is kinder to the TSV."""

import mmap
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from benchmarks.query_cost import QUERY_WORDS, Axis, QueryCost
from benchmarks.report import Bar, best_cpu_s
from storage.open import contrasts_of, open_compendium
from storage.schema import CONTRAST, GENE

TIMES_FASTER = 20.0
BLOCK_BYTES = (1 << 20, 1 << 24)


def measure_tsv(
    workspace: Path, folder: Path, costs: dict[Axis, QueryCost], n_contrasts: int, *, judged: bool
) -> list[Bar]:
    """Write the logfc of `n_contrasts` as TSV, ask it what the store was asked, and scale to all of them.

    A TSV is kindest to a query whose answer is one of its columns, because pyarrow then converts that
    column alone; so a gene is asked of a table of genes as columns, and a contrast of its transpose.
    """
    contrasts = contrasts_of(open_compendium(workspace))
    n_all = contrasts.sizes[CONTRAST]
    values = contrasts["logfc"][:n_contrasts].values
    names: dict[Axis, list[str]] = {
        "contrast": [str(name) for name in contrasts.indexes[CONTRAST][:n_contrasts]],
        "gene": [str(name) for name in contrasts.indexes[GENE]],
    }
    scale = n_all / n_contrasts
    bars = []
    pairs: tuple[tuple[Axis, Axis], ...] = (("gene", "contrast"), ("contrast", "gene"))
    for axis, other in pairs:
        matrix = values if axis == "gene" else values.T
        path = folder / f"{axis}.tsv"
        _write_tsv(path, matrix, names[axis], names[other])
        place = len(names[axis]) // 3
        name = names[axis][place]
        np.testing.assert_array_equal(_read_column(path, name, BLOCK_BYTES[0]), matrix[:, place])
        reads = [partial(_read_column, path, name, block) for block in BLOCK_BYTES]
        tsv_s = min(best_cpu_s(reads, 2)) * scale
        row = len(names[other]) // 2
        np.testing.assert_array_equal(_find_row(path, names[other][row]), matrix[row])
        (search_s,) = best_cpu_s([partial(_find_row, path, names[other][row])], 2)
        ours, theirs = costs[axis].cpu_s, costs[other].cpu_s
        part = "" if scale == 1 else f" (measured on {n_contrasts:,} contrasts, scaled)"
        times = tsv_s / ours
        bars += [
            Bar(
                f"CPU, TSV read by pyarrow / {QUERY_WORDS[axis]}",
                f"{tsv_s:.1f} s{part} / {1000 * ours:.0f} ms: {times:.0f}",
                f"≥ {TIMES_FASTER:.0f}",
                times >= TIMES_FASTER if judged else None,
            ),
            Bar(
                f"– text search for a line of that TSV / {QUERY_WORDS[other]}",
                f"{1000 * search_s * scale:.0f} ms / {1000 * theirs:.0f} ms: "
                f"{search_s * scale / theirs:.1f}",
            ),
        ]
        path.unlink()
    return bars


def _write_tsv(
    path: Path, matrix: npt.NDArray[np.float32], columns: list[str], rows: list[str]
) -> None:
    """Rows of names and numbers; NaN is an empty cell."""
    arrays = [pa.array(rows), *(pa.array(values, from_pandas=True) for values in matrix.T)]
    # pyarrow would put quotes around the header's names.
    options = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    with path.open("wb") as file:
        file.write(("\t".join(["name", *columns]) + "\n").encode())
        csv.write_csv(pa.table(arrays, names=["name", *columns]), file, options)


def _read_column(path: Path, name: str, block_bytes: int) -> npt.NDArray[np.float32]:
    """One column, the rest of the table parsed but not converted."""
    table = csv.read_csv(
        path,
        read_options=csv.ReadOptions(block_size=block_bytes, use_threads=False),
        parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=csv.ConvertOptions(
            include_columns=["name", name], column_types={name: pa.float32()}
        ),
    )
    values: npt.NDArray[np.float32] = table[name].to_numpy()
    return values


def _find_row(path: Path, name: str) -> npt.NDArray[np.float32]:
    """The numbers of the line that begins with `name`."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        start = text.find(b"\n" + name.encode() + b"\t") + 1
        cells = text[start : text.find(b"\n", start)].split(b"\t")[1:]
    return np.array([cell or b"nan" for cell in cells]).astype(np.float32)

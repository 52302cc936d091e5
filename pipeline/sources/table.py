"""A count table: bytes of a TSV or CSV to ids, samples and counts, or a refusal that names the cell."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import csv as pa_csv

from pipeline.sources.refusal import Refusal
from pipeline.sources.scale import why_not_counts
from pipeline.sources.text import cells, next_line, read_text, separator, short_name

# What counters write below the genes: STAR, HTSeq (older versions without `__`).
_SPECIAL = re.compile(
    r"N_(?:unmapped|multimapping|noFeature|ambiguous)|__\w+"
    r"|no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique"
)
_FEATURE_COUNTS = ["chr", "start", "end", "strand", "length"]
_MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-", "."})
_BLOCK_BYTES = 16 << 20


class CountTableError(Refusal):
    """A count table that can't be used: the message names the file, and the row, column and value."""


@dataclass(frozen=True, slots=True)
class CountTable:
    """Counts as they came.

    `ids` name the rows (they may repeat, and be empty); rows of STAR (`N_*`) and HTSeq (`__*`) that are
    no genes are left out. `samples` are unique; `counts` is (sample, row), finite, ≥ 0, perhaps fractional.
    """

    ids: list[str]
    samples: list[str]
    counts: npt.NDArray[np.float64]

    def select(self, samples: list[str]) -> "CountTable":
        """The table of these samples, in this order."""
        at = {sample: i for i, sample in enumerate(self.samples)}
        return CountTable(self.ids, samples, self.counts[[at[sample] for sample in samples]])


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand in a table: `columns` are the positions of the samples."""

    name: str
    delimiter: str
    start: int
    width: int
    samples: list[str]
    columns: list[int]


def read_count_table(path: Path) -> CountTable:
    """Read a table of counts: ids in the first column, one column a sample.

    TSV or CSV (told by the header), gzipped or not, with or without byte-order mark; the header may be
    one field short, as R's `write.table` leaves it; featureCounts' comment line and annotation columns
    are passed over.

    Raises
    ------
    CountTableError
        The table is empty, has no samples, unnamed or repeated ones, a column of text beside the ids, a
        count that is missing, negative or no number, or values that are normalised or logarithms.
    Refusal
        The file is no readable text.
    """
    return parse_count_table(read_text(path), short_name(path))


def parse_count_table(data: bytes, name: str) -> CountTable:
    """Parse the text of a table of counts, as `read_count_table` does; messages call it `name`."""
    layout = _read_layout(data, name)
    body = pa.py_buffer(data)[layout.start :]
    try:
        ids, counts = _parse(body, layout)
    except pa.ArrowInvalid:
        ids, counts = _parse_strictly(body, layout)
    if not (counts.min(initial=0) >= 0 and counts.max(initial=0) < np.inf):
        ids, counts = _parse_strictly(body, layout)
    special = [i for i, name in enumerate(ids) if _SPECIAL.fullmatch(name)]
    if special:
        ids = [name for name in ids if not _SPECIAL.fullmatch(name)]
        counts = np.delete(counts, special, axis=1)
    if not ids:
        raise CountTableError(
            "empty_table", f"{layout.name} has no rows of genes; give a table with at least one"
        )
    why = why_not_counts(counts)
    if why:
        raise CountTableError(
            "not_counts", f"{layout.name} holds no counts: {why}; give the raw or estimated counts"
        )
    return CountTable(ids, layout.samples, counts)


def _read_layout(data: bytes, name: str) -> _Layout:
    """Header and first row: what separates the cells, and which columns are samples."""
    header_line, start = next_line(data, 0)
    while header_line.startswith("# "):  # featureCounts writes its command line first
        header_line, start = next_line(data, start)
    delimiter = separator(header_line)
    header = [cell.strip() for cell in cells(header_line, delimiter)]
    row = cells(next_line(data, start)[0], delimiter)
    if not row:
        raise CountTableError("empty_table", f"{name} has a header and no rows; give the counts")
    if _SPECIAL.fullmatch(header[0]) or re.match(r"ENS[A-Z]*G\d{11}", header[0]):
        raise CountTableError(
            "no_header",
            f"{name} begins with {header[0]!r}; add a header line with the sample names",
        )
    if len(row) == len(header) + 1:
        header = ["", *header]
    if len(header) < 2:
        raise CountTableError(
            "no_samples",
            f"{name} has one column, {header[0]!r}; separate columns by tabs or commas",
        )
    if len(row) != len(header):
        raise CountTableError(
            "ragged_row",
            f"{name}: row {row[0]!r} has {len(row)} fields where the header has {len(header)}; "
            "write the table again",
        )
    first = 6 if [cell.lower() for cell in header[1:6]] == _FEATURE_COUNTS else 1
    samples = header[first:]
    if first == 6 and all(sample.lower().endswith(".bam") for sample in samples):
        stems = [re.split(r"[/\\]", sample)[-1][:-4] for sample in samples]
        samples = stems if len(set(stems)) == len(stems) else samples
    _check_samples(samples, name)
    return _Layout(name, delimiter, start, len(header), samples, list(range(first, len(header))))


def _check_samples(samples: list[str], name: str) -> None:
    if not samples:
        raise CountTableError("no_samples", f"{name} has no column of counts; add the samples")
    if "" in samples:
        raise CountTableError(
            "unnamed_column", f"{name}: sample {samples.index('') + 1} has no name; name it"
        )
    seen: set[str] = set()
    for sample in samples:
        if sample in seen:
            raise CountTableError(
                "duplicate_samples", f"{name} has two columns {sample!r}; rename or remove one"
            )
        seen.add(sample)


def _read_csv(body: pa.Buffer, layout: _Layout, dtype: pa.DataType) -> pa.Table:
    """The ids (column "0") and the samples' columns; raises ArrowInvalid."""
    wanted = [str(i) for i in layout.columns]
    ragged: list[pa_csv.InvalidRow] = []

    def note(row: pa_csv.InvalidRow) -> str:
        ragged.append(row)
        return "error"

    try:
        return pa_csv.read_csv(
            pa.BufferReader(body),
            read_options=pa_csv.ReadOptions(
                column_names=[str(i) for i in range(layout.width)],
                use_threads=False,
                block_size=_BLOCK_BYTES,
            ),
            parse_options=pa_csv.ParseOptions(delimiter=layout.delimiter, invalid_row_handler=note),
            convert_options=pa_csv.ConvertOptions(
                include_columns=["0", *wanted],
                column_types={"0": pa.string()} | dict.fromkeys(wanted, dtype),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        if not ragged:
            raise
        row = ragged[0]
        raise CountTableError(
            "ragged_row",
            f"{layout.name}: row {cells(row.text, layout.delimiter)[0]!r} has {row.actual_columns} "
            f"fields where the header has {row.expected_columns}; write the table again",
        ) from None


def _parse(body: pa.Buffer, layout: _Layout) -> tuple[list[str], npt.NDArray[np.float64]]:
    """The fast way; a missing count comes as NaN."""
    table = _read_csv(body, layout, pa.float64())
    counts = np.empty((len(layout.columns), table.num_rows))
    for i, column in enumerate(layout.columns):
        counts[i] = table[str(column)].to_numpy()
    return [name.strip() for name in table["0"].to_pylist()], counts


def _parse_strictly(body: pa.Buffer, layout: _Layout) -> tuple[list[str], npt.NDArray[np.float64]]:
    """The slow way: lines of nothing but separators are left out, and the first bad cell is named."""
    try:
        table = _read_csv(body, layout, pa.string())
    except pa.ArrowInvalid as error:
        raise CountTableError(
            "ragged_row", f"{layout.name} can't be parsed ({error}); write the table again"
        ) from error
    ids = np.array([name.strip() for name in table["0"].to_pylist()], dtype=object)
    raw = [
        np.array([cell.strip() for cell in table[str(c)].to_pylist()], dtype=object)
        for c in layout.columns
    ]
    filled = np.logical_or.reduce([column != "" for column in raw]) | (ids != "")
    ids, raw = ids[filled], [column[filled] for column in raw]
    counts = np.array(
        [pd.to_numeric(pd.Series(c, dtype=object), errors="coerce") for c in raw], dtype=np.float64
    )
    _check_columns(raw, counts, layout)
    bad = ~(np.isfinite(counts) & (counts >= 0))
    if bad.any():
        row, column = (int(i[0]) for i in np.nonzero(bad.T))
        value = raw[column][row]
        where = f"{layout.name}: row {ids[row]!r}, column {layout.samples[column]!r}"
        if value in _MISSING:
            raise CountTableError(
                "missing_count", f"{where} has no count ({value!r}); write 0 or remove the row"
            )
        if -np.inf < counts[column, row] < 0:
            raise CountTableError(
                "negative_count",
                f"{where} is {value}, and counts are never negative; give raw counts",
            )
        raise CountTableError("bad_count", f"{where} is {value!r}, not a count; mend it")
    return [str(name) for name in ids], counts


def _check_columns(
    raw: list[npt.NDArray[np.object_]], counts: npt.NDArray[np.float64], layout: _Layout
) -> None:
    """Refuse a column without a single number but with text: it is annotation, not a sample."""
    for sample, column, values in zip(layout.samples, raw, counts, strict=True):
        text = [cell for cell in column if cell not in _MISSING]
        if text and np.isnan(values).all():
            raise CountTableError(
                "annotation_column",
                f"{layout.name}: column {sample!r} holds text such as {text[0]!r}, not counts; keep one "
                "column of gene ids and the counts",
            )

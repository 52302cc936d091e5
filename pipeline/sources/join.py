"""Which row of a sample table belongs to which column of a count table."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.sources.refusal import Refusal

_SHOWN = 6
# Where a name may begin or end within a text: beside a sign, but not at the point of a number.
_EDGE = re.compile(r"[\W_]")
_POINT = re.compile(r"(?<=\d)\.(?=\d)")
# A column with one of these words names another sample than the row's own.
_PARTNER = frozenset(
    [
        "matched",
        "match",
        "matching",
        "paired",
        "pair",
        "partner",
        "mate",
        "control",
        "ctrl",
        "reference",
        "ref",
        "baseline",
        "normal",
        "parent",
        "parental",
        "twin",
        "sibling",
        "input",
        "versus",
        "vs",
    ]
)

Pairs = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Join:
    """Pairs of count names and row positions, what is left on either side, and how they were found."""

    rows: dict[str, int]
    column: str
    how: str
    unmatched_counts: list[str]
    unmatched_rows: list[str]


def join_samples(names: Sequence[str], table: pd.DataFrame) -> Join:
    """Match count table columns with sample table rows, whatever the order of either.

    Every column of the table is tried, in these ways: the cell is the name; it is the name but for case
    and signs (R writes `X10.2` for `10_2`); it begins with the name; it holds the name as a whole word;
    the name begins with the cell; the name holds the cell as a whole word. A name must match one row, and
    a row one name. The column with most matches is taken; among equals the stricter way, then the
    earlier column. One that names each sample's partner (`matched_sample`, `control`) is taken only where no
    other has half of the names.

    Raises
    ------
    Refusal
        `samples_mismatch`: nothing matches, or names are left over on both sides, which is a typing
        error on one of them. `duplicate_sample_rows`: two rows name one sample.
    """
    columns = {
        str(column): ["" if pd.isna(cell) else str(cell).strip() for cell in table[column]]
        for column in table.columns
    }
    tried = {
        name: cells for name, cells in columns.items() if not _PARTNER & {*_plain(name).split(".")}
    }
    best = _best_join(names, tried)
    if 2 * len(best.rows) < len(names):
        tried, best = columns, _best_join(names, columns)
    _check_repeats(best, names, tried)
    if not best.rows:
        raise Refusal(
            "samples_mismatch",
            f"no column of the sample table (first: {_some(next(iter(columns.values())))}) holds the "
            f"names of the count table ({_some(names)}); add a column with them",
        )
    if best.unmatched_counts and best.unmatched_rows:
        raise Refusal(
            "samples_mismatch",
            f"the count table has {_some(best.unmatched_counts)} and the sample table, in column "
            f"{best.column!r}, {_some(best.unmatched_rows)}, which do not match; mend the names",
        )
    return best


def _best_join(names: Sequence[str], columns: dict[str, list[str]]) -> Join:
    best = Join({}, "", "", list(names), [])
    n_rows = max(map(len, columns.values()), default=0)
    for how in _WAYS:
        if len(best.rows) < min(len(names), n_rows):
            for column, cells in columns.items():
                rows = _one_to_one(_WAYS[how](names, cells))
                if len(rows) > len(best.rows):
                    best = _make_join(names, cells, rows, column, how)
    return best


def _make_join(
    names: Sequence[str], cells: list[str], rows: dict[str, int], column: str, how: str
) -> Join:
    used = set(rows.values())
    return Join(
        rows=rows,
        column=column,
        how=how,
        unmatched_counts=[name for name in names if name not in rows],
        unmatched_rows=[cell for i, cell in enumerate(cells) if i not in used],
    )


def _check_repeats(best: Join, names: Sequence[str], columns: dict[str, list[str]]) -> None:
    """Refuse a column that knows more of the names than the best one, or is it, but some twice."""
    for column, cells in columns.items():
        n = Counter(cells)
        known = [name for name in names if n[name]]
        twice = sorted(name for name in known if n[name] > 1)
        if twice and (len(known) > len(best.rows) or column == best.column):
            raise Refusal(
                "duplicate_sample_rows",
                f"{n[twice[0]]} rows of the sample table name sample {twice[0]!r} in column "
                f"{column!r}; keep one row a sample",
            )


def _one_to_one(pairs: Pairs) -> dict[str, int]:
    """Pairs whose name has no other row, and whose row has no other name."""
    by_name = Counter(name for name, _ in pairs)
    by_row = Counter(row for _, row in pairs)
    return {name: row for name, row in pairs if by_name[name] == 1 and by_row[row] == 1}


def _same(names: Sequence[str], cells: list[str]) -> Pairs:
    wanted = set(names)
    return [(cell, i) for i, cell in enumerate(cells) if cell in wanted]


def _same_but_for_signs(names: Sequence[str], cells: list[str]) -> Pairs:
    wanted: dict[str, list[str]] = {}
    for name in names:
        wanted.setdefault(_plain(name), []).append(name)
    wanted.pop("", None)
    return [(name, i) for i, cell in enumerate(cells) for name in wanted.get(_plain(cell), [])]


def _plain(name: str) -> str:
    """Lower case, every run of signs a dot, and without the X that R puts before a digit."""
    return re.sub(r"^x(?=\d)", "", re.sub(r"[\W_]+", ".", name).strip(".").lower())


def _starts_cell(names: Sequence[str], cells: list[str]) -> Pairs:
    wanted = set(names)
    rows = _rows_of(cells)
    return [(n, i) for cell in rows for n in {*_starts(cell, wanted)} for i in rows[cell]]


def _word_of_cell(names: Sequence[str], cells: list[str]) -> Pairs:
    wanted = set(names)
    rows = _rows_of(cells)
    return [(n, i) for cell in rows for n in {*_words(cell, wanted)} for i in rows[cell]]


def _starts_with_cell(names: Sequence[str], cells: list[str]) -> Pairs:
    rows = _rows_of(cells)
    return [(name, i) for name in names for cell in {*_starts(name, rows)} for i in rows[cell]]


def _has_cell_as_word(names: Sequence[str], cells: list[str]) -> Pairs:
    rows = _rows_of(cells)
    return [(name, i) for name in names for cell in {*_words(name, rows)} for i in rows[cell]]


_WAYS = {
    "same": _same,
    "same but for case and signs": _same_but_for_signs,
    "cell begins with name": _starts_cell,
    "name is a word of cell": _word_of_cell,
    "name begins with cell": _starts_with_cell,
    "cell is a word of name": _has_cell_as_word,
}


def _rows_of(cells: list[str]) -> dict[str, list[int]]:
    """Rows of each distinct cell: a text that all rows share is looked through once."""
    rows: dict[str, list[int]] = {}
    for i, cell in enumerate(cells):
        if cell:
            rows.setdefault(cell, []).append(i)
    return rows


def _edges(text: str) -> tuple[list[int], list[int]]:
    """Where words may begin and where they may end."""
    points = {found.start() for found in _POINT.finditer(text)}
    signs = [found.start() for found in _EDGE.finditer(text) if found.start() not in points]
    return [0, *(i + 1 for i in signs)], [*signs, len(text)]


def _starts(text: str, wanted: set[str] | dict[str, list[int]]) -> Iterator[str]:
    """Those that the text begins with, up to the end of a word."""
    for end in _edges(text)[1]:
        if text[:end] in wanted:
            yield text[:end]


def _words(text: str, wanted: set[str] | dict[str, list[int]]) -> Iterator[str]:
    """Those that stand in the text between the beginning of a word and the end of one."""
    longest = max(map(len, wanted), default=0)
    begins, ends = _edges(text)
    for begin in begins:
        for end in ends:
            if begin < end <= begin + longest and text[begin:end] in wanted:
                yield text[begin:end]


def _some(names: Sequence[str]) -> str:
    """The first few names, quoted."""
    shown = ", ".join(map(repr, sorted(names)[:_SHOWN]))
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"

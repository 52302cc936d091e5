"""A sample table as it stands: text cells, one row a sample."""

import csv
import io
from pathlib import Path

import pandas as pd

from pipeline.sources.refusal import Refusal
from pipeline.sources.text import next_line, read_text, separator, short_name


def read_sample_table(path: Path) -> pd.DataFrame:
    """Read a sample table, TSV or CSV, as strings.

    The header may be one field short, and a column without a name is called `row`; a repeated name gets
    `.1`, `.2` and so on. Blank lines are left out.

    Raises
    ------
    Refusal
        The file is no readable text, is empty, or has a row that does not fit the header.
    """
    name = short_name(path)
    data = read_text(path)
    mark = separator(next_line(data, 0)[0])
    try:
        # newline="": only the line ends of a file end a row, not those of Unicode.
        text = io.StringIO(data.decode(), newline="")
        rows = list(csv.reader(text, delimiter=mark, strict=True))
    except csv.Error as error:
        raise Refusal("ragged_row", f"{name} can't be parsed ({error}); write it again") from error
    header, *rows = [[c.strip() for c in row] for row in rows if any(c.strip() for c in row)]
    if not rows:
        raise Refusal("empty_table", f"{name} has a header and no rows; add one row a sample")
    if len(rows[0]) == len(header) + 1:
        header = ["", *header]
    for row in rows:
        if len(row) != len(header):
            raise Refusal(
                "ragged_row",
                f"{name}: row {row[0]!r} has {len(row)} fields where the header has {len(header)}; "
                "mend it",
            )
    return pd.DataFrame(rows, columns=_unique(header), dtype=object)


def _unique(header: list[str]) -> list[str]:
    """Column names, none empty, none twice."""
    names: list[str] = []
    for cell in header:
        name, n = cell or "row", 0
        while (name if n == 0 else f"{name}.{n}") in names:
            n += 1
        names.append(name if n == 0 else f"{name}.{n}")
    return names

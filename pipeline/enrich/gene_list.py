"""A list of genes as a user writes it: one id a line, or ids with 1 and 0, or ids with scores."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from storage.errors import InputError

_HEADERS = {"gene", "genes", "gene_id", "geneid", "id", "symbol", "gene_name", "ensembl_gene_id"}
_MISSING = {"", "na", "nan", "null", "none"}


@dataclass(frozen=True, slots=True)
class GeneList:
    """Ids, each once, with the number of each where there is a second column, and remarks."""

    values: dict[str, float]
    has_values: bool
    notes: tuple[str, ...] = ()


def parse_gene_list(lines: Iterable[str], source: str, *, ignore_case: bool = False) -> GeneList:
    """Read ids and, where there is a second column, a number for each.

    Columns are parted by tabs, in a `.csv` file by commas: ids may have spaces. Blank lines, lines that
    start with #, and a header are left out.

    Raises
    ------
    InputError
        There are three columns, or a number is missing, or an id comes with two scores.
    """
    mark = "," if source.removesuffix(".gz").endswith(".csv") else "\t"
    rows = [
        (number, [cell.strip().strip('"') for cell in line.rstrip("\r\n").split(mark)])
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    if rows and _is_header(rows[0][1]):
        rows = rows[1:]
    widths = {len(cells) for _, cells in rows} or {1}
    if widths not in ({1}, {2}):
        raise InputError(
            f"{source} has lines of {' and '.join(map(str, sorted(widths)))} columns; give one id a "
            "line, or an id and a number, separated by a tab"
        )
    has_values = widths == {2}
    values: dict[str, float] = {}
    n_again = 0
    for number, cells in rows:
        gene = cells[0].lower() if ignore_case else cells[0]
        value = _number(cells[1], source, number) if has_values else 1.0
        if not gene:
            raise InputError(f"{source}, line {number} has no id; mend it")
        if gene in values:
            n_again += 1
            value = _merge(values[gene], value, gene, source)
        values[gene] = value
    notes = (f"{n_again} rows of {source} repeat an id",) if n_again else ()
    return GeneList(values, has_values, notes)


def _is_header(cells: list[str]) -> bool:
    if len(cells) == 1:
        return cells[0].lower() in _HEADERS
    try:
        float(cells[1])
    except ValueError:
        return cells[1].lower() not in _MISSING
    return False


def _number(text: str, source: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{source}, line {line}: {text!r} is no number; leave the gene out")
    return value


def _merge(first: float, second: float, gene: str, source: str) -> float:
    """Of 1 and 0 the gene is a candidate; of two scores nobody knows which."""
    if first != second and not {first, second} <= {0.0, 1.0}:
        raise InputError(f"{source} has {gene!r} with {first:g} and {second:g}; keep one of them")
    return max(first, second)

"""Gene names of an annotation onto the gene axis."""

from collections import Counter
from collections.abc import Callable, Iterable

from pipeline.enrich.annotation import Row, Rows

NOT_ON_AXIS = "gene not on the axis"
AMBIGUOUS = "gene name of several genes"
OTHER_CASE = "gene name fits only when case is ignored"
IGNORED_CASE = "gene name taken without regard to case (kept)"

# A name's gene id (None: none, empty: several), and whether its case fits.
Locate = Callable[[str], tuple[str | None, bool]]


def put_on_axis(rows: Rows, locate: Locate) -> Rows:
    """Rows whose only gene name is an id of the gene axis; nothing is left out without being counted.

    Each row is decided by the first of its names that is one gene's. Names that fit only when case is
    ignored count where most do: symbols of another organism often differ in case alone.
    """
    kinds = rows.kinds
    found = {
        name: locate(name)
        for name in dict.fromkeys(
            row.names[k] for row in rows.rows for k in kinds if k in row.names
        )
    }
    n_exact = sum(bool(gene) and exact for gene, exact in found.values())
    n_folded = sum(bool(gene) and not exact for gene, exact in found.values())
    fold = n_folded > n_exact
    dropped = Counter(rows.dropped)
    placed = []
    for row in rows.rows:
        gene, reason = _decide((found[row.names[k]] for k in kinds if k in row.names), fold)
        if reason:
            dropped[reason] += 1
        if gene:
            placed.append(Row({"id": gene}, row.term))
    return Rows(placed, dropped, rows.set_names, rows.header)


def _decide(names: Iterable[tuple[str | None, bool]], fold: bool) -> tuple[str, str]:
    """The gene, or none, and what is to be counted."""
    known = list(names)
    for gene, exact in known:
        if gene and exact:
            return gene, ""
    for gene, _ in known:
        if gene:
            return (gene, IGNORED_CASE) if fold else ("", OTHER_CASE)
    return "", AMBIGUOUS if any(gene == "" for gene, _ in known) else NOT_ON_AXIS

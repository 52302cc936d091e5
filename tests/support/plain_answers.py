"""Questions to an open compendium, and the answers that plain arrays give to them."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from storage.genes import GeneList
from storage.query import (
    Order,
    query_block,
    query_contrast,
    query_gene,
    top_contrasts,
    top_genes,
)
from tests.support.plain_store import NAMES, PlainStore, assert_same_bits


def expected_top(values: dict[str, np.ndarray], n: int, by: Order) -> list[int]:
    """Places of the `n` largest among the tested; ties by |t|, then in order."""
    size = values["neg_log10_p"] if by == "p" else abs(values[by])
    tested = [place for place, t in enumerate(values["t"]) if not np.isnan(t)]
    return sorted(tested, key=lambda i: (-size[i], -abs(values["t"][i]), i))[:n]


def names_of(genes: GeneList, place: int) -> list[str]:
    """What a gene may be called: id, id with version, and its symbol, unless others have it too."""
    names = [genes.ids[place], f"{genes.ids[place]}.3"]
    if genes.symbols.count(genes.symbols[place]) == 1:
        names += [genes.symbols[place], genes.symbols[place].upper()]
    return names


def assert_gene(
    tree: xr.DataTree, plain: PlainStore, name: str, place: int, n: int, by: Order
) -> None:
    """A gene, by any of its names, has the values of its column, and the best contrasts in order."""
    wanted, ids = plain.of_gene(place), list(plain.contrasts)
    found = query_gene(tree, name)
    assert list(found.index) == ids
    for statistic in NAMES:
        assert_same_bits(found[statistic].to_numpy(), wanted[statistic])
    best = top_contrasts(tree, name, n, by)
    assert list(best.index) == [ids[i] for i in expected_top(wanted, n, by)]


def assert_contrast(
    tree: xr.DataTree, plain: PlainStore, name: str, genes: GeneList, n: int, by: Order
) -> None:
    """A contrast has the values of its row, and the best genes in order."""
    wanted = plain.contrasts[name]
    found = query_contrast(tree, name)
    assert list(found.index) == list(genes.ids)
    for statistic in NAMES:
        assert_same_bits(found[statistic].to_numpy(), wanted[statistic])
    best = top_genes(tree, name, n, by)
    assert list(best.index) == [genes.ids[i] for i in expected_top(wanted, n, by)]


def assert_block(
    tree: xr.DataTree,
    plain: PlainStore,
    genes: GeneList,
    rows: Sequence[int],
    columns: Sequence[int],
    statistic: str,
) -> None:
    """A block has the values of its rows and columns, in the order asked for, with repeats."""
    ids = list(plain.contrasts)
    asked = [genes.ids[i] for i in columns], [ids[i] for i in rows]
    found = query_block(tree, *asked, statistic)
    assert (list(found.columns), list(found.index)) == asked
    assert_same_bits(found.to_numpy(), plain.matrix(statistic)[np.ix_(rows, columns)])

"""Questions to an open compendium: genes, contrasts, blocks and the top of either."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from storage.contrast_id import study_of
from storage.errors import InputError
from storage.open import contrasts_of
from storage.schema import CONTRAST, CONTRAST_COLUMNS, GENE, STATISTICS

Order = Literal["p", "logfc", "t"]
_STATISTIC_NAMES = tuple(variable.name for variable in STATISTICS)


def find_gene(tree: xr.DataTree, name: str) -> str:
    """The gene id that `name` means: an id, with or without version, or a symbol (exact case first).

    Raises
    ------
    InputError
        No gene, or more than one, has the name; the message lists the nearest, or those.
    """
    contrasts = contrasts_of(tree)
    ids = contrasts.indexes[GENE]
    for candidate in (name, name.partition(".")[0], name.partition("|")[0].partition(".")[0]):
        if candidate in ids:
            return candidate
    symbols = np.asarray(contrasts["symbol"].values, dtype=object)
    lower = np.array([symbol.lower() for symbol in symbols], dtype=object)
    for hits in (np.flatnonzero(symbols == name), np.flatnonzero(lower == name.lower())):
        if len(hits) == 1:
            return str(ids[hits[0]])
        if len(hits) > 1:
            found = ", ".join(f"{ids[i]} ({symbols[i]})" for i in hits[:10])
            raise InputError(
                f"{name} is the symbol of {len(hits)} genes: {found}; ask for one by its id"
            )
    near = get_close_matches(name, [*symbols[symbols != ""], *ids], n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; it takes a gene id or symbol"
    raise InputError(f"no gene of the compendium is called {name}{hint}")


def find_contrast(tree: xr.DataTree, name: str) -> str:
    """The contrast id `name`, or the only contrast of the study `name`.

    Raises
    ------
    InputError
        No contrast has the id; the message lists the study's contrasts, or the nearest ids.
    """
    ids = contrasts_of(tree).indexes[CONTRAST]
    if name in ids:
        return name
    by_study: dict[str, list[str]] = {}
    for i in map(str, ids):
        by_study.setdefault(study_of(i), []).append(i)
    # A study as it is called, or as ids have it.
    alone = by_study.get(name) or by_study.get(study_of(f"{name}:"), [])
    if len(alone) == 1:
        return alone[0]
    if of_study := alone or by_study.get(study_of(name), []):
        study = study_of(of_study[0])
        raise InputError(f"{name} is no contrast; study {study} has: {', '.join(of_study)}")
    near = get_close_matches(name, list(ids), n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise InputError(f"no contrast of the compendium is called {name}{hint}")


def query_gene(
    tree: xr.DataTree, gene: str, statistics: Sequence[str] = _STATISTIC_NAMES
) -> pd.DataFrame:
    """One gene over all contrasts: a row a contrast, in the compendium's order.

    Columns are the contrast's labels and the statistics; NaN where the gene is not measured (logfc) or
    not tested (the rest).
    """
    contrasts = contrasts_of(tree)
    place = contrasts.indexes[GENE].get_indexer(pd.Index([find_gene(tree, gene)]))[0]
    columns = {v.name: contrasts[v.name].values for v in CONTRAST_COLUMNS}
    columns |= {name: contrasts[name][:, place].values for name in statistics}
    return pd.DataFrame(columns, index=pd.Index(contrasts.indexes[CONTRAST], name=CONTRAST))


def query_contrast(
    tree: xr.DataTree, contrast: str, statistics: Sequence[str] = _STATISTIC_NAMES
) -> pd.DataFrame:
    """One contrast over all genes: a row a gene, in the order of the gene axis."""
    contrasts = contrasts_of(tree)
    place = contrasts.indexes[CONTRAST].get_indexer(pd.Index([find_contrast(tree, contrast)]))[0]
    columns = {name: contrasts[name].values for name in ("symbol", "biotype")}
    columns |= {name: contrasts[name][place].values for name in statistics}
    return pd.DataFrame(columns, index=pd.Index(contrasts.indexes[GENE], name=GENE))


def query_block(
    tree: xr.DataTree, genes: Sequence[str], contrasts: Sequence[str], statistic: str = "logfc"
) -> pd.DataFrame:
    """One statistic of some genes in some contrasts: a row a contrast, a column a gene, as asked for.

    Each chunk under the selection is read once, however its rows and genes are scattered.
    """
    node = contrasts_of(tree)
    if statistic not in _STATISTIC_NAMES:
        raise InputError(f"{statistic} is no statistic; there are {', '.join(_STATISTIC_NAMES)}")
    gene_ids = [find_gene(tree, gene) for gene in genes]
    contrast_ids = [find_contrast(tree, contrast) for contrast in contrasts]
    columns = node.indexes[GENE].get_indexer(pd.Index(gene_ids))
    rows = node.indexes[CONTRAST].get_indexer(pd.Index(contrast_ids))
    # Sorted and unique, so that the reader goes through each chunk once; then as asked for.
    unique_rows, row_of = np.unique(rows, return_inverse=True)
    unique_columns, column_of = np.unique(columns, return_inverse=True)
    values = node[statistic][unique_rows, unique_columns].values[np.ix_(row_of, column_of)]
    return pd.DataFrame(
        values,
        index=pd.Index(contrast_ids, name=CONTRAST),
        columns=pd.Index(gene_ids, name=GENE),
    )


def top_genes(tree: xr.DataTree, contrast: str, n: int = 20, by: Order = "p") -> pd.DataFrame:
    """The `n` tested genes of a contrast with the smallest p, or the largest |logfc| or |t|."""
    return _top(query_contrast(tree, contrast), n, by)


def top_contrasts(tree: xr.DataTree, gene: str, n: int = 20, by: Order = "p") -> pd.DataFrame:
    """The `n` contrasts in which a gene is tested and has the smallest p, or the largest |logfc| or |t|."""
    return _top(query_gene(tree, gene), n, by)


def _top(table: pd.DataFrame, n: int, by: Order) -> pd.DataFrame:
    tested = table[table["t"].notna()]
    size = tested["neg_log10_p"] if by == "p" else tested[by].abs()
    # Ties (p beyond the precision of float32) go by |t|, then by the order of the compendium.
    order = np.lexsort((np.arange(len(tested)), -tested["t"].abs(), -size))
    return tested.iloc[order[:n]]

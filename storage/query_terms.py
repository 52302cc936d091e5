"""Questions to the enrichment of an open compendium: terms, and the terms of a contrast."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from storage.enrichment_schema import BOTH, DIRECTION, DIRECTIONS, DOMAIN, TERM, TERM_STATISTICS
from storage.errors import InputError
from storage.open import contrasts_of, enrichment_of
from storage.query import find_contrast
from storage.schema import CONTRAST

Test = Literal["fwer", "rank"]
_NAMES = tuple(variable.name for variable in TERM_STATISTICS)
# Columns that a test's rows are sorted and chosen by: rate, -log10 p, label.
_BY: dict[Test, tuple[str, str, str]] = {
    "fwer": ("fwer", "neg_log10_p", "label"),
    "rank": ("rank_fwer", "rank_neg_log10_p", "label_rank"),
}
_OF_CONTRAST = ("study", "factor", "test", "reference")


def find_term(enrichment: xr.Dataset, name: str) -> str:
    """The term id that `name` means: an id, or a term's name in any case.

    Raises
    ------
    InputError
        No term, or more than one, has the name; the message lists the nearest, or those.
    """
    ids = enrichment.indexes[TERM]
    if name in ids:
        return name
    names = np.array([str(n).lower() for n in enrichment["name"].values], dtype=object)
    hits = np.flatnonzero(names == name.lower())
    if len(hits) == 1:
        return str(ids[hits[0]])
    if len(hits) > 1:
        found = ", ".join(str(ids[i]) for i in hits[:10])
        raise InputError(f"{name} is the name of {len(hits)} terms: {found}; ask for one by its id")
    near = get_close_matches(name.lower(), [*names, *map(str, ids)], n=3)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise InputError(
        f"no term with a gene of the compendium is called {name}{hint}; it takes an id or a name"
    )


def query_term(
    tree: xr.DataTree, term: str, statistics: Sequence[str] = _NAMES, *, store: str | None = None
) -> pd.DataFrame:
    """One term over all contrasts: a row for each contrast and direction, in the compendium's order.

    Columns are the contrast's labels, `direction`, N, M and K (`n_background`, `n_candidates`,
    `term_size`), and the statistics; NaN where not tested, label −1 where not testable.
    """
    enrichment = enrichment_of(tree, store)
    place = enrichment.indexes[TERM].get_loc(find_term(enrichment, term))
    of_domain = enrichment.indexes[DOMAIN].get_loc(str(enrichment["domain_of_term"].values[place]))
    n_contrasts, n_directions = enrichment.sizes[CONTRAST], len(DIRECTIONS)
    labels = contrasts_of(tree)
    columns = {name: np.repeat(labels[name].values, n_directions) for name in _OF_CONTRAST}
    columns[DIRECTION] = np.tile(np.array(DIRECTIONS, object), n_contrasts)
    columns["n_background"] = np.repeat(
        enrichment["n_background"].values[:, of_domain], n_directions
    )
    columns["n_candidates"] = enrichment["n_candidates"].values[:, :, of_domain].ravel()
    columns["term_size"] = np.repeat(enrichment["term_size"][:, place].values, n_directions)
    columns |= {name: enrichment[name][:, :, place].values.ravel() for name in statistics}
    index = pd.Index(np.repeat(enrichment.indexes[CONTRAST], n_directions), name=CONTRAST)
    return pd.DataFrame(columns, index=index)


def term_labels(tree: xr.DataTree, term: str, contrasts: Sequence[str]) -> tuple[str, np.ndarray]:
    """A term's id and name, and its label in each of these contrasts, up and down together.

    Returns
    -------
    called, label
        "ID name"; (contrast,) int8: 1 enriched, 0 not, −1 not testable or not in the enrichment.

    Raises
    ------
    InputError
        The compendium has no enrichment, or no such term.
    """
    enrichment = enrichment_of(tree)
    term = find_term(enrichment, term)
    place = enrichment.indexes[TERM].get_loc(term)
    label = enrichment["label"][:, BOTH, place].values
    rows = enrichment.indexes[CONTRAST].get_indexer(pd.Index(contrasts))
    found = np.where(rows >= 0, label[rows], -1).astype(np.int8)
    return f"{term} {enrichment['name'].values[place]}", found


def query_contrast_terms(
    tree: xr.DataTree,
    contrast: str,
    statistics: Sequence[str] = _NAMES,
    *,
    store: str | None = None,
) -> pd.DataFrame:
    """One contrast over all terms: a row for each term and direction."""
    enrichment = enrichment_of(tree, store)
    row = enrichment.indexes[CONTRAST].get_loc(find_contrast(tree, contrast))
    n_terms, n_directions = enrichment.sizes[TERM], len(DIRECTIONS)
    domains = np.array([str(d) for d in enrichment["domain_of_term"].values], object)
    of_domain = enrichment.indexes[DOMAIN].get_indexer(pd.Index(domains))
    columns = {
        "name": np.tile(enrichment["name"].values, n_directions),
        DOMAIN: np.tile(domains, n_directions),
        DIRECTION: np.repeat(np.array(DIRECTIONS, object), n_terms),
        "n_background": np.tile(enrichment["n_background"].values[row][of_domain], n_directions),
        "n_candidates": enrichment["n_candidates"].values[row][:, of_domain].ravel(),
        "term_size": np.tile(enrichment["term_size"][row].values, n_directions),
    }
    columns |= {name: enrichment[name][row].values.ravel() for name in statistics}
    index = pd.Index(np.tile(enrichment.indexes[TERM], n_directions), name=TERM)
    return pd.DataFrame(columns, index=index)


def top_enriched(table: pd.DataFrame, n: int = 20, by: Test = "fwer") -> pd.DataFrame:
    """The `n` rows of `query_term` or `query_contrast_terms` that are labelled enriched, best first."""
    rate, p, label = _BY[by]
    enriched = table[table[label] == 1]
    order = np.lexsort((np.arange(len(enriched)), -enriched[p], enriched[rate]))
    return enriched.iloc[order[:n]]

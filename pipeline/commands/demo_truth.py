"""How much of what was planted in simulated studies their compendium has found."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from storage.enrichment_schema import BOTH, TERM
from storage.errors import InputError
from storage.open import contrasts_of, enrichment_of

# The simulator is imported when it is asked for: no query should wait for it.
if TYPE_CHECKING:
    from pipeline.simulate.truth import Recovery, Truth

_NAMES = ("study", "test", "reference")
# A program that changes its genes by less is as good as silent.
_STRONG = 0.5


@dataclass(frozen=True, slots=True)
class FoundGenes:
    """The recovery of fold changes; and how many `planted` contrasts were `found`, with their reference."""

    recovery: "Recovery"
    found: int
    planted: int

    def in_words(self) -> str:
        """Some lines for people."""
        r = self.recovery
        return (
            f"the planted truth: {self.found} of {self.planted} planted contrasts found, with their "
            f"reference; over {r.n_tested} tests,\n"
            f"  correlation of estimated and true log fold changes  {r.correlation:.3f}\n"
            f"  slope of the estimated on the true                  {r.slope:.3f}\n"
            f"  false discovery rate at 5 %                         {r.false_discovery_rate:.3f}\n"
            f"  sensitivity, all changed genes                      {r.sensitivity:.3f}\n"
            f"  sensitivity, genes changed at least twofold         {r.strong_sensitivity:.3f}"
        )


@dataclass(frozen=True, slots=True)
class FoundTerms:
    """Terms of strongly active programs: how many were testable, and `enriched`, up and down together.

    `decoys` are enriched terms, among `tested_decoys`, that nothing was planted in.
    """

    active: int
    testable: int
    enriched: int
    tested_decoys: int
    decoys: int

    def in_words(self) -> str:
        """Some lines for people."""
        return (
            f"  terms of {self.active} strongly active programs: {self.testable} testable, "
            f"{self.enriched} enriched\n"
            f"  of {self.tested_decoys} tests of terms without a program: {self.decoys} enriched"
        )


def recover_truth(tree: xr.DataTree, truth: "Truth") -> FoundGenes:
    """Compare a compendium of simulated studies, all contrasts together, with what was planted in them.

    Raises
    ------
    InputError
        None of its contrasts is between levels of the simulated studies.
    """
    from pipeline.simulate.truth import recovery

    contrasts = contrasts_of(tree)
    rows = _rows(tree)
    true = [truth.true_logfc(*row) for row in rows]
    known = np.array([values is not None for values in true], dtype=bool)
    if not known.any():
        raise InputError("no contrast of the compendium is one of the simulated studies")
    stacked = np.stack([values for values in true if values is not None])
    logfc, adjusted, t = (contrasts[n].values[known] for n in ("logfc", "neg_log10_adj_p", "t"))
    planted = {tuple(row) for row in truth.contrasts[list(_NAMES)].astype(str).to_numpy()}
    found = recovery(logfc, adjusted, stacked, np.isfinite(t))
    return FoundGenes(found, len(planted & set(rows)), len(planted))


def recover_terms(tree: xr.DataTree, truth: "Truth") -> FoundTerms:
    """Compare the enrichment of a compendium with the programs that were active in its contrasts."""
    from pipeline.simulate.terms import program_terms

    enrichment = enrichment_of(tree)
    label = enrichment["label"].values[:, BOTH]
    ids = enrichment.indexes[TERM]
    programs = ids.get_indexer(pd.Index(program_terms(truth.activities.shape[1])))
    is_program = np.zeros(len(ids), bool)
    is_program[programs] = True
    place = {row: i for i, row in enumerate(_rows(tree))}
    planted = [tuple(row) for row in truth.contrasts[list(_NAMES)].astype(str).to_numpy()]
    there = [(i, place[row]) for i, row in enumerate(planted) if row in place]
    active = np.abs(truth.activities.toarray()) >= _STRONG
    of_active = np.concatenate([label[row, programs[active[i]]] for i, row in there] or [[]])
    decoys = label[:, ~is_program]
    return FoundTerms(
        active=of_active.size,
        testable=int((of_active >= 0).sum()),
        enriched=int((of_active == 1).sum()),
        tested_decoys=int((decoys >= 0).sum()),
        decoys=int((decoys == 1).sum()),
    )


def _rows(tree: xr.DataTree) -> list[tuple[str, ...]]:
    """Study, test and reference of each contrast."""
    contrasts = contrasts_of(tree)
    columns = (contrasts[name].values for name in _NAMES)
    return [tuple(map(str, row)) for row in zip(*columns, strict=True)]

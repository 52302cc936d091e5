"""Enrichment of one gene list or ranking, as a table of terms."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.dea.arrays import Bools, Floats
from pipeline.enrich.background import Background, make_backgrounds
from pipeline.enrich.fwer import family_wise, p_at
from pipeline.enrich.gene_sets import GeneSets, ancestors
from pipeline.enrich.minima import random_minima
from pipeline.enrich.ontology import Ontology, Relations
from pipeline.enrich.overlap import count_and_test
from pipeline.enrich.rank_sum import random_extremes, rank_sums
from pipeline.enrich.ranking import order_scores
from pipeline.enrich.refine import Retest, refine, retest_overlap, retest_ranks

NOT_TESTABLE = "not testable"
OVER_UNDER, HIGH_LOW = ("over", "under"), ("high", "low")


@dataclass(frozen=True, slots=True)
class _Domain:
    """What a test found in one domain, first over or high, then under or low; or why it can't."""

    overlap: np.ndarray
    log_p: tuple[Floats, Floats]
    log_minima: tuple[Floats, Floats]
    retest: Retest


@dataclass(frozen=True, kw_only=True, slots=True)
class ListTest:
    """Everything but the genes: `refine_at` is a family-wise error rate, or None."""

    ontology: Ontology
    sets: GeneSets
    relations: Relations = Relations.all
    n_sets: int = 1000
    seed: int = 0
    refine_at: float | None = None

    def test_list(self, is_background: Bools, is_candidate: Bools) -> pd.DataFrame:
        """Hypergeometric tests of candidates among a background, both (gene,) of the sets' axis."""
        parts = []
        for d, background in enumerate(self._backgrounds(is_background | is_candidate)):
            M = int(is_candidate[background.genes].sum())
            if M == 0:
                reason = "no candidate is annotated in this domain"
                parts.append(self._not_testable(d, reason, OVER_UNDER))
                continue
            tests = count_and_test(background, is_candidate[None])
            minima = random_minima(
                background, [M], n_sets=self.n_sets, seed=background.seed(self.seed)
            )[M]
            found = _Domain(
                tests.overlap[0],
                (tests.log_over[0], tests.log_under[0]),
                (minima.log_over, minima.log_under),
                retest_overlap(background, is_candidate),
            )
            parts.append(self._table(d, background, found, OVER_UNDER))
        return _join(parts, OVER_UNDER)

    def test_ranking(self, scores: Floats) -> pd.DataFrame:
        """Rank sum tests of `scores` (gene,) of the sets' axis; genes with NaN are left out."""
        parts = []
        order = order_scores(scores[None])
        for d, background in enumerate(self._backgrounds(~np.isnan(scores))):
            if background.n_genes < 2:
                reason = "fewer than two genes with a score are annotated in this domain"
                parts.append(self._not_testable(d, reason, HIGH_LOW))
                continue
            tests = rank_sums(background, order)
            minima = random_extremes(
                background, order, n_sets=self.n_sets, seed=background.seed(self.seed)
            )
            found = _Domain(
                background.size,
                (tests.log_high[0], tests.log_low[0]),
                (minima.log_high, minima.log_low),
                retest_ranks(background, scores),
            )
            parts.append(self._table(d, background, found, HIGH_LOW))
        return _join(parts, HIGH_LOW)

    def _backgrounds(self, is_background: Bools) -> list[Background]:
        return make_backgrounds(self.sets, is_background, len(self.ontology.domains))

    def _table(
        self, domain: int, background: Background, found: _Domain, tails: tuple[str, str]
    ) -> pd.DataFrame:
        first, second = tails
        p = [np.exp(log_p) for log_p in found.log_p]
        fwer = [family_wise(*pair) for pair in zip(found.log_p, found.log_minima, strict=True)]
        refined = np.full(background.terms.size, np.nan)
        if self.refine_at is not None:
            threshold = p_at(self.refine_at, found.log_minima[0])
            above = ancestors(self.ontology, self.relations)
            refined = refine(background, above, p[0], threshold, found.retest)
        columns = {
            "domain": self.ontology.domains[domain],
            "term": [self.ontology.ids[t] for t in background.terms],
            "name": [self.ontology.names[t] for t in background.terms],
            "n_term": background.size,
            "n_overlap": found.overlap,
            f"p_{second}": p[1],
            f"p_{first}": p[0],
            f"fwer_{second}": fwer[1],
            f"fwer_{first}": fwer[0],
            "refined_p": refined,
        }
        return pd.DataFrame(columns).astype({"n_term": "Int64", "n_overlap": "Int64"})

    def _not_testable(self, domain: int, reason: str, tails: tuple[str, str]) -> pd.DataFrame:
        """One row instead of a domain's terms."""
        row = {
            "domain": [self.ontology.domains[domain]],
            "term": [NOT_TESTABLE],
            "name": [reason],
            "n_term": pd.array([pd.NA], dtype="Int64"),
            "n_overlap": pd.array([pd.NA], dtype="Int64"),
        }
        numbers = [f"{what}_{tail}" for what in ("p", "fwer") for tail in reversed(tails)]
        return pd.DataFrame({**row, **{name: [np.nan] for name in [*numbers, "refined_p"]}})


def sort_terms(table: pd.DataFrame, tails: tuple[str, str]) -> pd.DataFrame:
    """GOfuncR's order: the most enriched first, the most depleted last."""
    first, second = tails
    keys = pd.DataFrame(
        {
            "a": table[f"fwer_{first}"],
            "b": table[f"p_{first}"],
            "c": -table[f"fwer_{second}"],
            "d": -table[f"p_{second}"],
            "e": table["domain"],
            "f": table["term"],
        }
    )
    order = keys.sort_values(list(keys.columns), kind="stable", na_position="last").index
    return table.loc[order].reset_index(drop=True)


def _join(parts: list[pd.DataFrame], tails: tuple[str, str]) -> pd.DataFrame:
    return sort_terms(pd.concat(parts, ignore_index=True), tails)

"""GOfuncR's own results, reproduced: the files are in the shared folder, not in the project."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.dea.arrays import Bools, Floats
from pipeline.enrich.annotation import make_annotation
from pipeline.enrich.annotation_files import parse_annotation
from pipeline.enrich.background import Background, make_backgrounds
from pipeline.enrich.fwer import family_wise, p_at
from pipeline.enrich.gene_sets import GeneSets, ancestors, propagate
from pipeline.enrich.lines import read_lines
from pipeline.enrich.minima import random_minima
from pipeline.enrich.obo import parse_obo
from pipeline.enrich.one_list import sort_terms
from pipeline.enrich.ontology import Ontology
from pipeline.enrich.overlap import Overlaps, count_and_test
from pipeline.enrich.rank_sum import random_extremes, rank_sums
from pipeline.enrich.ranking import order_scores
from pipeline.enrich.refine import refine, retest_overlap
from tests.support.gene_sets import minima_of_all_tests

FOLDER = Path(__file__).parents[1].parent / "shared" / "golden" / "go"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"GOfuncR's goldens are not in {FOLDER}"
)
LISTS = (
    "h02_immune_signal_bg",
    "h04_tiny5_defaultbg",
    "h06_unannotated_mix",
    "h08_random300_bg15k",
)
REFINED = LISTS[:3]
RANKING = "w02_tstat_ties"
N_SETS = 1000


@dataclass(frozen=True)
class Shared:
    ontology: Ontology
    sets: GeneSets
    place: dict[str, int]


@cache
def shared() -> Shared:
    ontology = parse_obo(read_lines(FOLDER / "go-2021-05-01.obo.gz"), "go.obo")
    rows = parse_annotation(read_lines(FOLDER / "annotation.tsv.gz"), "annotation.tsv")
    annotation = make_annotation(rows, ontology)
    place = {gene: i for i, gene in enumerate(annotation.genes)}
    return Shared(ontology, propagate(annotation, ontology), place)


@cache
def expected(name: str, kind: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / "expected" / f"{name}.{kind}.tsv.gz", sep="\t")


@cache
def read_list(name: str) -> tuple[list[Background], Bools]:
    """Backgrounds of the three domains, and the candidates (gene,)."""
    table = pd.read_csv(FOLDER / "inputs" / f"{name}.tsv.gz", sep="\t")
    numbers = table["gene"].map(shared().place)
    is_background = np.zeros(shared().sets.n_genes, np.bool_)
    is_background[numbers.dropna().astype(int)] = True
    if (table["v"] == 1).all():
        is_background[:] = True
    candidates = np.zeros(shared().sets.n_genes, np.bool_)
    candidates[numbers[table["v"] == 1].dropna().astype(int)] = True
    return make_backgrounds(shared().sets, is_background, 3), candidates


@cache
def overlaps_of(name: str) -> list[Overlaps]:
    backgrounds, candidates = read_list(name)
    return [count_and_test(background, candidates[None]) for background in backgrounds]


def of_domain(name: str, domain: int, background: Background) -> pd.DataFrame:
    """GOfuncR's rows of one domain in the background's order; the terms must be the same."""
    table = expected(name, "results")
    table = table[table["ontology"] == shared().ontology.domains[domain]].set_index("node_id")
    ids = [shared().ontology.ids[t] for t in background.terms]
    assert set(ids) == set(table.index)
    return table.loc[ids]


def golden_minima(name: str, domain: int, tail: str) -> Floats:
    table = expected(name, "min_p")
    values = table.loc[table["ontology"] == shared().ontology.domains[domain], tail]
    return np.sort(np.log(values.to_numpy()))


def check_null(mine: Floats, golden: Floats, log_p: Floats, fwer: Floats) -> None:
    """The same distribution, and the same rates but for the two sides' Monte-Carlo error."""
    # Equal p differ in their last digits, which a test for ties must not see.
    assert stats.ks_2samp(np.round(mine, 8), np.round(golden, 8)).pvalue > 1e-4
    got = family_wise(log_p, mine)
    pooled = (got + fwer) / 2
    error = np.sqrt(pooled * (1 - pooled) * 2 / N_SETS)
    assert (np.abs(got - fwer) <= 4 * error + 2 / N_SETS).all()


@pytest.mark.parametrize("name", LISTS)
def test_raw_p_is_gofuncrs_on_every_term(name: str) -> None:
    backgrounds, _ = read_list(name)
    for d, (background, overlaps) in enumerate(zip(backgrounds, overlaps_of(name), strict=True)):
        want = of_domain(name, d, background)
        for log_p, column in (
            (overlaps.log_under[0], "raw_p_underrep"),
            (overlaps.log_over[0], "raw_p_overrep"),
        ):
            np.testing.assert_allclose(np.exp(log_p), want[column], rtol=1e-9)


@pytest.mark.parametrize("name", LISTS)
def test_random_sets_give_gofuncrs_family_wise_error_rates(name: str) -> None:
    backgrounds, _ = read_list(name)
    for d, (background, overlaps) in enumerate(zip(backgrounds, overlaps_of(name), strict=True)):
        want = of_domain(name, d, background)
        M = int(overlaps.n_candidates[0])
        minima = random_minima(background, [M], n_sets=N_SETS, seed=background.seed(0))[M]
        for mine, tail, log_p, column in (
            (minima.log_under, "lower_tail", overlaps.log_under[0], "FWER_underrep"),
            (minima.log_over, "upper_tail", overlaps.log_over[0], "FWER_overrep"),
        ):
            golden = golden_minima(name, d, tail)
            fwer = want[column].to_numpy()
            check_null(mine, golden, log_p, fwer)
            # From GOfuncR's own minima the rates are GOfuncR's on every term.
            np.testing.assert_allclose(family_wise(log_p, golden), fwer, atol=1e-12)


@pytest.mark.parametrize("M", [5, 300, 5000])
def test_the_smallest_p_of_random_sets_is_that_of_testing_all_terms_of_all(M: int) -> None:
    backgrounds, _ = read_list("h08_random300_bg15k")
    for background in backgrounds:
        minima = random_minima(background, [M], n_sets=N_SETS, seed=3)[M]
        under, over = minima_of_all_tests(background, M, n_sets=N_SETS, seed=3)
        np.testing.assert_array_equal(minima.log_under, under)
        np.testing.assert_array_equal(minima.log_over, over)


@pytest.mark.parametrize("name", REFINED)
def test_refined_p_is_gofuncrs_at_the_same_threshold(name: str) -> None:
    backgrounds, candidates = read_list(name)
    want = expected(name, "refine05").set_index("node_id")
    above = ancestors(shared().ontology)
    got = {}
    for d, (background, overlaps) in enumerate(zip(backgrounds, overlaps_of(name), strict=True)):
        threshold = p_at(0.05, golden_minima(name, d, "upper_tail"))
        retest = retest_overlap(background, candidates)
        refined = refine(background, above, np.exp(overlaps.log_over[0]), threshold, retest)
        for t in np.flatnonzero(~np.isnan(refined)):
            got[shared().ontology.ids[background.terms[t]]] = (refined[t], refined[t] < threshold)
    assert set(got) == set(want.index)
    p = [got[term][0] for term in want.index]
    np.testing.assert_allclose(p, want["refined_p_overrep"], rtol=1e-9)
    significant = want["signif"].astype(str).str.strip() == "TRUE"
    assert [got[term][1] for term in want.index] == significant.tolist()


def test_rank_sums_are_gofuncrs_with_ties() -> None:
    table = pd.read_csv(FOLDER / "inputs" / f"{RANKING}.tsv.gz", sep="\t")
    numbers = table["gene"].map(shared().place)
    known = numbers.notna()
    scores = np.full((1, shared().sets.n_genes), np.nan)
    scores[0, numbers[known].astype(int)] = table.loc[known, "score"]
    background = make_backgrounds(shared().sets, ~np.isnan(scores[0]), 3)[2]
    order = order_scores(scores)
    tests = rank_sums(background, order)
    minima = random_extremes(background, order, n_sets=N_SETS, seed=background.seed(0))
    want = of_domain(RANKING, 2, background)
    for log_p, mine, side, tail in (
        (tests.log_low[0], minima.log_low, "low", "lower_tail"),
        (tests.log_high[0], minima.log_high, "high", "upper_tail"),
    ):
        np.testing.assert_allclose(np.exp(log_p), want[f"raw_p_{side}_rank"], rtol=0, atol=1e-12)
        fwer = want[f"FWER_{side}_rank"].to_numpy()
        check_null(mine, golden_minima(RANKING, 2, tail), log_p, fwer)


@pytest.mark.parametrize("name", [*LISTS, RANKING])
def test_terms_are_sorted_as_gofuncr_sorts_them(name: str) -> None:
    table = expected(name, "results")
    over, under = ("high_rank", "low_rank") if name == RANKING else ("overrep", "underrep")
    mine = pd.DataFrame(
        {
            "domain": table["ontology"],
            "term": table["node_id"],
            "p_over": table[f"raw_p_{over}"],
            "fwer_over": table[f"FWER_{over}"],
            "p_under": table[f"raw_p_{under}"],
            "fwer_under": table[f"FWER_{under}"],
        }
    )
    shuffled = mine.sample(frac=1, random_state=0)
    assert sort_terms(shuffled, ("over", "under"))["term"].tolist() == table["node_id"].tolist()

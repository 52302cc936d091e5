"""Tails, rank sums and refinement: against SciPy, brute force, and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.dea.arrays import Floats, Ints
from pipeline.enrich.arrays import Int32s
from pipeline.enrich.background import Background
from pipeline.enrich.fwer import family_wise, p_at, standard_error
from pipeline.enrich.hypergeometric import log_factorials, log_tails
from pipeline.enrich.overlap import count_and_test
from pipeline.enrich.rank_sum import random_extremes, rank_sums
from pipeline.enrich.ranking import make_ranks, order_scores
from pipeline.enrich.refine import refine, retest_overlap, retest_ranks
from tests.support.gene_sets import background_of, random_candidates, random_table


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 400), st.data())
def test_tails_are_scipys(N: int, data: st.DataObject) -> None:
    M, K = data.draw(st.integers(0, N)), data.draw(st.integers(0, N))
    x = data.draw(st.integers(max(0, M + K - N), min(M, K)))
    table = log_factorials(N)
    under, over = log_tails(table.high, table.low, N, M, K, x)
    want = stats.hypergeom(N, K, M)
    assert np.exp(under) == pytest.approx(float(want.cdf(x)), rel=1e-9)
    assert np.exp(over) == pytest.approx(float(want.sf(x - 1)), rel=1e-9)


def test_tails_below_the_smallest_double_keep_their_logarithm() -> None:
    table = log_factorials(20_000)
    under, over = log_tails(table.high, table.low, 20_000, 1000, 1000, 900)
    assert under == 0.0
    assert over == pytest.approx(float(stats.hypergeom(20_000, 1000, 1000).logpmf(900)), rel=1e-4)
    assert over < -1500


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 40))
def test_overlaps_and_p_are_those_of_each_term_alone(seed: int, n_genes: int, n_terms: int) -> None:
    table = random_table(seed, n_genes, n_terms)
    background = background_of(table)
    chosen = random_candidates(seed, seed % (n_genes + 1), (3, n_genes))
    tests = count_and_test(background, chosen)
    np.testing.assert_array_equal(tests.overlap, (chosen.astype(int) @ table)[:, background.terms])
    M = seed % (n_genes + 1)
    want = stats.hypergeom.sf(tests.overlap - 1, n_genes, background.size, M)
    np.testing.assert_allclose(np.exp(tests.log_over), want, rtol=1e-9)
    want = stats.hypergeom.cdf(tests.overlap, n_genes, background.size, M)
    np.testing.assert_allclose(np.exp(tests.log_under), want, rtol=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_the_order_of_genes_changes_nothing(seed: int) -> None:
    table = random_table(seed, 50, 30)
    chosen = random_candidates(seed, 9, (1, 50))
    order = np.random.default_rng(seed).permutation(50)
    one = count_and_test(background_of(table), chosen)
    other = count_and_test(background_of(table[order]), chosen[:, order])
    np.testing.assert_array_equal(one.log_over, other.log_over)
    np.testing.assert_array_equal(one.log_under, other.log_under)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_one_more_candidate_in_a_term_makes_it_more_likely_enriched(seed: int) -> None:
    table = random_table(seed, 60, 20)
    chosen = random_candidates(seed, 12, (1, 60))
    into, out = np.flatnonzero(~chosen[0])[0], np.flatnonzero(chosen[0])[0]
    moved = chosen.copy()
    moved[0, [into, out]] = [True, False]
    background = background_of(table)
    one, other = count_and_test(background, chosen), count_and_test(background, moved)
    gains = other.overlap > one.overlap
    assert (other.log_over[gains] < one.log_over[gains]).all()
    assert (other.log_under[gains] >= one.log_under[gains]).all()


def test_the_rate_is_the_share_of_minima_and_ties_count() -> None:
    log_minima = np.log([0.01, 0.02, 0.02, 0.4])
    log_p = np.log([0.005, 0.02 * (1 - 1e-12), 0.02 * (1 + 1e-12), 0.5])
    np.testing.assert_array_equal(family_wise(log_p, log_minima), [0, 0.75, 0.75, 1])
    assert p_at(0.5, log_minima) == pytest.approx(0.015)
    assert p_at(0.01, log_minima) == pytest.approx(0.01)
    assert standard_error(np.array([0.05]), 1000)[0] == pytest.approx(0.0069, abs=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 60), st.booleans())
def test_rank_sums_are_scipys_mann_whitney(seed: int, n_genes: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    table = random_table(seed, n_genes, 12)
    scores = rng.normal(size=(11, n_genes)) * 3
    scores = np.round(scores) if ties else scores
    background = background_of(table)
    tests = rank_sums(background, order_scores(scores))
    for row in (0, 10):
        for t, term in enumerate(background.terms):
            inside = table[:, term]
            if inside.all() or np.unique(scores[row]).size == 1:
                assert tests.log_low[row, t] == tests.log_high[row, t] == 0
                continue
            a, b = scores[row, inside], scores[row, ~inside]
            less = stats.mannwhitneyu(a, b, alternative="less", method="asymptotic").pvalue
            more = stats.mannwhitneyu(a, b, alternative="greater", method="asymptotic").pvalue
            assert np.exp(tests.log_low[row, t]) == pytest.approx(less, rel=1e-9, abs=1e-12)
            assert np.exp(tests.log_high[row, t]) == pytest.approx(more, rel=1e-9, abs=1e-12)


def test_ranks_are_scipys_also_of_negative_zeros_and_among_some_genes() -> None:
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(size=(3, 200)), np.round(rng.normal(size=(3, 200))) * 0.5])
    scores[4, :20] = -0.0
    scores[5, ::7] = np.nan
    scores[3, 0], scores[3, 1] = np.inf, -np.inf
    genes = np.flatnonzero(~np.isnan(scores[5]))
    ranks = make_ranks(order_scores(scores), genes)
    np.testing.assert_array_equal(ranks.doubled / 2, stats.rankdata(scores[:, genes], axis=1))
    with pytest.raises(ValueError, match="NaN"):
        make_ranks(order_scores(scores), np.arange(200))


def test_rank_sums_far_in_the_tail_keep_their_logarithm() -> None:
    n = 20_000
    table = np.zeros((n, 2), np.bool_)
    table[: n // 4, 0] = True
    table[:, 1] = True
    scores = -np.arange(n, dtype=float)[None]
    tests = rank_sums(background_of(table), order_scores(scores))
    K, m = n // 4, 3 * n // 4
    z = (K * m / 2 - 0.5) / np.sqrt(K * m * (n + 1) / 12)
    assert tests.log_high[0, 0] == pytest.approx(float(stats.norm.logsf(z)), rel=1e-12)
    assert tests.log_high[0, 0] < -5000


def test_shuffles_are_shared_by_rankings_without_ties() -> None:
    background = background_of(random_table(8, 120, 60))
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 1, 120))
    a = random_extremes(background, order_scores(one), n_sets=500, seed=3)
    b = random_extremes(background, order_scores(other), n_sets=500, seed=4)
    assert stats.ks_2samp(a.log_low, b.log_low).pvalue > 1e-4
    assert stats.ks_2samp(a.log_high, b.log_low).pvalue > 1e-4
    again = random_extremes(background, order_scores(np.sort(one)), n_sets=3, seed=3)
    first = random_extremes(background, order_scores(np.sort(other)), n_sets=3, seed=3)
    np.testing.assert_array_equal(again.log_low, first.log_low)


def test_shuffles_taken_both_ways_have_the_distribution_of_those_taken_one_way() -> None:
    background = background_of(random_table(8, 120, 60))
    order = order_scores(np.random.default_rng(2).normal(size=(1, 120)))
    one_way = random_extremes(background, order, n_sets=8000, seed=3)
    both_ways = random_extremes(background, n_sets=8001, seed=4)
    assert both_ways.log_low.size == both_ways.log_high.size == 8001
    for name in ("log_low", "log_high"):
        a, b = getattr(one_way, name), getattr(both_ways, name)
        assert stats.ks_2samp(a, b).pvalue > 1e-4
        # Pairs depend on each other so little that the rate at 0.05 is as exact as from as many alone.
        critical = np.quantile(a, 0.05)
        assert abs((b <= critical).mean() - 0.05) < 4 * np.sqrt(2 * 0.05 * 0.95 / 8000)


def chain() -> tuple[Background, tuple[Ints, Int32s]]:
    """Terms 0 ⊂ 1 ⊂ 2, and 3 with all genes, each below the next."""
    table = np.zeros((100, 4), np.bool_)
    for term, size in enumerate((10, 20, 40, 100)):
        table[:size, term] = True
    start = np.array([0, 4, 7, 9, 10])
    return background_of(table), (start, np.array([0, 1, 2, 3, 1, 2, 3, 2, 3, 3], np.int32))


def test_terms_above_lose_the_genes_of_a_significant_term_below() -> None:
    background, above = chain()
    chosen = np.zeros(100, np.bool_)
    chosen[:10] = True
    p: Floats = np.exp(count_and_test(background, chosen[None]).log_over[0])
    refined = refine(background, above, p, 1e-3, retest_overlap(background, chosen))
    assert refined[0] == pytest.approx(p[0])
    assert p[1] < 1e-3
    np.testing.assert_allclose(refined[1:], [1, 1, np.nan])


def test_refinement_removes_only_what_was_significant_itself() -> None:
    background, above = chain()
    scores = -np.arange(100, dtype=float)
    p = np.array([1e-9, 1e-9, 1e-9, 1.0])
    refined = refine(background, above, p, 1e-7, retest_ranks(background, scores))
    order = order_scores(scores[None])
    whole = np.exp(rank_sums(background, order).log_high[0])
    assert refined[0] == pytest.approx(whole[0])
    # The first ten alone are not below 1e-7, so the next has all its twenty genes.
    assert whole[0] > 1e-7
    assert refined[1] == pytest.approx(whole[1])
    assert refined[2] > whole[2]

"""Random sets and their smallest p: against brute force, and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.enrich.bit_counts import (
    LANES,
    SETS,
    at_least,
    count_bits,
    lay_out_sums,
    place_of,
    value_of,
)
from pipeline.enrich.fwer import family_wise
from pipeline.enrich.minima import random_minima
from pipeline.enrich.nesting import find_nesting
from pipeline.enrich.overlap import count_and_test
from pipeline.enrich.random_sets import RandomSets, make_states
from tests.support.gene_sets import (
    background_of,
    minima_of_all_tests,
    nested_table,
    random_candidates,
    random_table,
    unpacked,
)


@pytest.mark.parametrize("M", [1, 2, 5, 30, 150, 299, 300])
@pytest.mark.parametrize("n_sets", [1, 64, 150])
def test_the_smallest_p_of_random_sets_is_that_of_testing_them_all(M: int, n_sets: int) -> None:
    background = background_of(random_table(3, 300, 500))
    minima = random_minima(background, [M], n_sets=n_sets, seed=7)[M]
    under, over = minima_of_all_tests(background, M, n_sets=n_sets, seed=7)
    np.testing.assert_array_equal(minima.log_under, under)
    np.testing.assert_array_equal(minima.log_over, over)


@pytest.mark.parametrize("M", [1, 7, 16, 200, 550])
def test_so_it_is_for_nested_terms_and_more_sets_than_are_counted_at_once(M: int) -> None:
    background = background_of(nested_table(5, 600, 1500))
    assert (np.diff(find_nesting(background).rest_start) == 0).sum() > 100
    assert (background.size > 256).sum() > 100
    n_sets = SETS + 70
    minima = random_minima(background, [M], n_sets=n_sets, seed=2**127 + 1)[M]
    under, over = minima_of_all_tests(background, M, n_sets=n_sets, seed=2**127 + 1)
    np.testing.assert_array_equal(minima.log_under, under)
    np.testing.assert_array_equal(minima.log_over, over)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 70), st.integers(1, 30), st.data())
def test_so_it_is_for_few_genes_and_few_terms(
    seed: int, n_genes: int, n_terms: int, data: st.DataObject
) -> None:
    table = random_table(seed, n_genes, n_terms)
    # Without a term that has all genes, the background may be smaller than the gene axis.
    background = background_of(table[:, :-1] if n_terms > 1 else table)
    if background.n_genes == 0:
        return
    M = data.draw(st.integers(1, background.n_genes))
    minima = random_minima(background, [M], n_sets=9, seed=seed)[M]
    under, over = minima_of_all_tests(background, M, n_sets=9, seed=seed)
    np.testing.assert_array_equal(minima.log_under, under)
    np.testing.assert_array_equal(minima.log_over, over)


def test_minima_are_the_same_bits_whatever_else_is_asked_for() -> None:
    background = background_of(random_table(4, 200, 300))
    together = random_minima(background, [40, 3, 111, 40], n_sets=100, seed=1)
    assert sorted(together) == [3, 40, 111]
    for M, minima in together.items():
        alone = random_minima(background, [M], n_sets=100, seed=1)[M]
        np.testing.assert_array_equal(alone.log_over, minima.log_over)
        np.testing.assert_array_equal(alone.log_under, minima.log_under)
        only_over = random_minima(background, [M], n_sets=100, seed=1, under=False)[M]
        np.testing.assert_array_equal(only_over.log_over, minima.log_over)
        assert only_over.log_under.size == 0


def first_genes(state: int, n_genes: int, size: int) -> set[int]:
    """SplitMix64 in Python's integers, and the first `size` different genes that it gives."""
    mask = 2**64 - 1
    genes: set[int] = set()
    while len(genes) < size:
        state = (state + 0x9E3779B97F4A7C15) & mask
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        genes.add(int(((mixed ^ (mixed >> 31)) >> 11) / 2**53 * n_genes))
    return genes


@pytest.mark.parametrize("steps", [(1, 2, 3, 170), (64, 65), (300,)])
def test_a_set_is_the_first_genes_of_its_stream_however_it_grew(steps: tuple[int, ...]) -> None:
    n_sets = SETS + 5
    sets = RandomSets(300, n_sets, 11)
    for size in steps:
        sets.grow(size)
    got = unpacked(sets)
    for r, state in enumerate(make_states(11, n_sets)):
        assert set(np.flatnonzero(got[r])) == first_genes(int(state), 300, steps[-1])


def test_random_sets_are_nested_uniform_and_prefixes_of_each_other() -> None:
    sets, more = RandomSets(40, 2000, 5), RandomSets(40, 3000, 5)
    sets.grow(6)
    before = unpacked(sets)
    sets.grow(10)
    more.grow(10)
    after = unpacked(sets)
    assert (before.sum(axis=1) == 6).all()
    assert (after.sum(axis=1) == 10).all()
    assert (after | ~before).all()
    np.testing.assert_array_equal(unpacked(more)[:2000], after)
    assert stats.chisquare(after.sum(axis=0)).pvalue > 1e-4
    pairs = (after.T.astype(int) @ after)[np.triu_indices(40, 1)]
    assert stats.chisquare(pairs).pvalue > 1e-4
    with pytest.raises(ValueError, match="in order"):
        sets.grow(9)


def test_null_sets_reach_five_per_cent_no_more_often_than_they_should() -> None:
    background = background_of(random_table(5, 250, 300))
    n, hits = 400, 0
    candidates = random_candidates(6, 40, (n, 250))
    tests = count_and_test(background, candidates)
    for i in range(n):
        minima = random_minima(background, [40], n_sets=200, seed=1000 + i)[40]
        hits += bool((family_wise(tests.log_over[i], minima.log_over) < 0.05).any())
    assert hits / n <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 200), st.floats(0.01, 1))
def test_sums_are_those_of_adding_bit_by_bit(seed: int, n_genes: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    table = nested_table(seed, n_genes, 40)
    background = background_of(table)
    nesting = find_nesting(background)
    has = rng.random((n_genes, SETS)) < density
    bits = np.packbits(has, axis=1, bitorder="little").view(np.uint64)
    want = (table.T.astype(int) @ has)[background.terms]
    row = lay_out_sums(background.size, nesting.rest_start, n_genes)
    sums = np.full(row[-1] * LANES, 0xFEDCBA9876543210, np.uint64)
    used = bits[background.genes].ravel()
    count_bits(used, nesting.base, nesting.rest_start, nesting.rest, row, sums)
    found = np.empty(LANES, np.uint64)
    for t in np.flatnonzero(np.diff(row)):
        rows = (int(row[t]), int(row[t + 1]))
        r = int(rng.integers(0, SETS))
        assert value_of(sums, *rows, r // 64, r % 64) == want[t, r]
        for bound in (-1, 0, 1, int(want[t, r]), int(background.size[t]), 10**6):
            at_least(sums, *rows, bound, found)
            as_bits = np.unpackbits(found.view(np.uint8), bitorder="little").astype(np.bool_)
            np.testing.assert_array_equal(as_bits, want[t] >= bound)


@pytest.mark.parametrize("n_genes", [1, 7, 8, 15, 16, 17, 40])
def test_sums_that_stay_small_take_few_rows_and_touch_no_other(n_genes: int) -> None:
    background = background_of(np.ones((n_genes, 1), np.bool_))
    nesting = find_nesting(background)
    row = lay_out_sums(background.size, nesting.rest_start, 1)
    assert row[-1] <= 4
    # Set r has gene r alone.
    bits = np.zeros((n_genes, LANES), np.uint64)
    bits[:, 0] = np.uint64(1) << np.arange(n_genes, dtype=np.uint64)
    sums = np.full((row[-1] + 8) * LANES, 7, np.uint64)
    count_bits(bits.ravel(), nesting.base, nesting.rest_start, nesting.rest, row, sums)
    assert (sums[row[-1] * LANES :] == 7).all()
    assert [value_of(sums, 0, int(row[-1]), 0, r) for r in range(n_genes + 1)] == [1] * n_genes + [
        0
    ]


def test_the_lowest_bit_of_a_word_is_found() -> None:
    for place in range(64):
        for above in (0, 1, 0xFFFFFFFFFFFFFFFF):
            word = (1 << place) | ((above << (place + 1)) & 0xFFFFFFFFFFFFFFFF)
            assert place_of(np.uint64(word)) == place


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_a_term_is_its_base_and_the_rest(seed: int, n_genes: int) -> None:
    table = random_table(seed, n_genes, 30)
    table[:, 7] = table[:, 3] | table[:, 4]
    table[:, 8] = table[:, 7]
    background = background_of(table)
    nesting = find_nesting(background)
    members = np.split(background.members, background.start[1:-1])
    rest = np.split(nesting.rest, nesting.rest_start[1:-1])
    for t, base in enumerate(nesting.base):
        assert base < t
        inside = members[base] if base >= 0 else np.empty(0, np.int32)
        assert set(inside) <= set(members[t])
        assert sorted([*inside, *rest[t]]) == members[t].tolist()
        # The base is as large as any other that has this term as its smallest superset.
        supersets = [set(m) >= set(members[t]) for m in members[t + 1 :]]
        if any(supersets):
            smallest = t + 1 + supersets.index(True)
            assert nesting.base[smallest] >= t
    terms = background.terms.tolist()
    # Two terms with the same genes: the later one is the earlier one, and nothing else.
    one, other = sorted([terms.index(7), terms.index(8)]) if 7 in terms else (0, 0)
    assert one == other or rest[other].size == 0

"""Samples are dealt out, and counts thinned, into halves that share no noise; or there is a reason."""

import re
from collections import Counter
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.curate.curation import ContrastPlan, Curation
from pipeline.dea.design import Contrast
from pipeline.prepare.halves import deal, thin
from pipeline.sources.genes import MappingRecord
from pipeline.stages.deal_halves import (
    FEW_REPLICATES,
    HALF_NOT_ESTIMABLE,
    TwoHalves,
    generator_of,
    make_replicates,
    make_thinned,
)
from pipeline.stages.prepare import Prepared


def test_thinned_counts_add_up_and_are_fair() -> None:
    rng = np.random.default_rng(0)
    counts = rng.negative_binomial(2, 0.01, (6, 4000)).astype(float)
    first, second = thin(counts, rng)
    np.testing.assert_array_equal(first + second, counts)
    assert first.min() >= 0
    assert second.min() >= 0
    np.testing.assert_array_equal(first, np.round(first))
    sd = np.sqrt(counts.sum() / 4)
    assert abs(first.sum() - counts.sum() / 2) < 4 * sd


def test_the_halves_of_a_poisson_count_are_independent_poisson_counts() -> None:
    rng = np.random.default_rng(1)
    first, second = thin(rng.poisson(20, (1, 200_000)).astype(float), rng)
    assert np.corrcoef(first[0], second[0])[0, 1] == pytest.approx(0, abs=0.01)
    assert first.var() == pytest.approx(10, rel=0.02)
    assert first.mean() == pytest.approx(10, rel=0.01)


def test_what_is_less_than_a_read_goes_whole_to_one_half() -> None:
    counts = np.random.default_rng(2).gamma(0.5, 4.0, (3, 5000))
    first, second = thin(counts, np.random.default_rng(3))
    np.testing.assert_allclose(first + second, counts, rtol=1e-15)
    in_first = ~np.isclose(first, np.round(first), atol=1e-9)
    in_second = ~np.isclose(second, np.round(second), atol=1e-9)
    fraction = ~np.isclose(counts, np.round(counts), atol=1e-9)
    np.testing.assert_array_equal(in_first ^ in_second, fraction)
    assert in_first.sum() / fraction.sum() == pytest.approx(0.5, abs=0.03)
    assert min(first.min(), second.min()) >= 0


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=30), st.integers(0, 9))
def test_halves_of_a_stratum_differ_by_one_sample_at_most(levels: list[str], seed: int) -> None:
    first = deal([(level,) for level in levels], None, np.random.default_rng(seed))
    assert abs(int(first.sum()) - int((~first).sum())) <= 1
    for level in set(levels):
        mine = np.array(levels) == level
        assert abs(int(first[mine].sum()) - int((~first)[mine].sum())) <= 1


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("wxyz")), min_size=2, max_size=24),
    st.integers(0, 9),
)
def test_a_subject_is_in_one_half_only(samples: list[tuple[str, str]], seed: int) -> None:
    block = [subject for _, subject in samples]
    first = deal([(level,) for level, _ in samples], block, np.random.default_rng(seed))
    for subject in set(block):
        assert len({bool(f) for f, b in zip(first, block, strict=True) if b == subject}) == 1


def test_dealing_is_random_but_the_same_for_a_study() -> None:
    strata = [("a",)] * 8 + [("b",)] * 8
    dealt = [deal(strata, None, generator_of(f"S{i}", "replicate")) for i in range(20)]
    np.testing.assert_array_equal(dealt[3], deal(strata, None, generator_of("S3", "replicate")))
    assert len({first.tobytes() for first in dealt}) > 15


def prepared(
    groups: str, batch: str = "", block: str = "", seed: int = 0
) -> tuple[Prepared, list[Contrast]]:
    """A study of one sample a letter of `groups`, each later letter compared with the first."""
    names = [f"s{i:02}" for i in range(len(groups))]
    levels = sorted(set(groups))
    contrasts = [
        ContrastPlan(test=level, reference=levels[0], direction="reference") for level in levels[1:]
    ]
    curation = Curation(
        factors=(),
        groups=dict(zip(names, groups, strict=True)),
        unused={},
        contrasts=tuple(contrasts),
        covariates={"batch": dict(zip(names, batch, strict=True))} if batch else {},
        block=dict(zip(names, block, strict=True)) if block else {},
    )
    counts = np.random.default_rng(seed).poisson(50, (len(names), 30)).astype(float)
    study = Prepared(
        samples=names,
        counts=counts,
        curation=curation,
        unused={},
        runs={},
        flags=(),
        mapping=cast(MappingRecord, None),
        part="key",
    )
    return study, [Contrast(test=c.test, reference=c.reference) for c in contrasts]


def replicates(groups: str, batch: str = "", block: str = "", seed: int = 0) -> TwoHalves:
    return make_replicates(*prepared(groups, batch, block), np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(5))
def test_only_contrasts_of_groups_with_four_samples_have_replicate_halves(seed: int) -> None:
    two = replicates("aaaabbbbbccc", seed=seed)
    assert two.contrasts == (0,)
    assert two.left_out == {1: (FEW_REPLICATES, "c has 3 samples, 4 are needed in both groups")}
    (first, one), (second, other) = two.halves
    assert one.levels == other.levels == ("a", "b")
    sizes = [Counter(design.group.tolist()) for design in (one, other)]
    assert sorted((s[0], s[1]) for s in sizes) == [(2, 2), (2, 3)]
    study, _ = prepared("aaaabbbbbccc")
    rows = {row.tobytes() for half in (first, second) for row in half}
    assert rows == {row.tobytes() for row in study.counts[:9]}


def test_pairs_stay_pairs_in_each_half() -> None:
    two = replicates("aaaabbbb", block="12341234")
    assert two.contrasts == (0,)
    for _, design in two.halves:
        assert design.block_role == "fixed"
        assert design.df_residual == 1


def test_a_batch_is_in_both_halves_where_it_can_be() -> None:
    for seed in range(10):
        two = replicates("aaaabbbb", batch="12121212", seed=seed)
        for _, design in two.halves:
            assert design.columns[-1] == "batch[2]"
            assert design.df_residual == 1


@pytest.mark.parametrize(
    ("groups", "batch", "block", "why"),
    [
        ("aaaabbbb", "11112221", "", "can't tell b_vs_a from a covariate"),
        ("aaaabbbb", "", "1111yzuv", "the others share its subjects"),
        ("aaaaabbbb", "123441234", "", "can't tell b_vs_a|5 samples for 5 coefficients"),
    ],
)
def test_a_study_whose_half_cannot_tell_is_left_out_with_the_reason(
    groups: str, batch: str, block: str, why: str
) -> None:
    two = replicates(groups, batch, block)
    assert (two.contrasts, two.halves) == ((), ())
    code, message = two.left_out[0]
    assert code == HALF_NOT_ESTIMABLE
    assert re.search(why, message)


def test_thinned_halves_have_every_sample_and_contrast() -> None:
    study, contrasts = prepared("aabbc")
    two = make_thinned(study, contrasts, np.random.default_rng(0))
    assert two.contrasts == (0, 1)
    (first, design), (second, _) = two.halves
    np.testing.assert_array_equal(first + second, study.counts)
    assert design.n_samples == 5
    confounded, contrasts = prepared("aabb", batch="1122")
    left = make_thinned(confounded, contrasts, np.random.default_rng(0))
    assert (left.contrasts, left.halves) == ((), ())
    assert left.left_out[0][0] == "confounded"

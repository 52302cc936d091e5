"""Designs, contrasts, and studies that can't be analysed or only in part."""

import numpy as np
import pytest

from pipeline.dea.design import Contrast, make_design
from pipeline.dea.errors import NotAnalysableError
from pipeline.dea.rank import estimable_columns
from pipeline.dea.settings import DeaSettings
from pipeline.dea.study import analyse_study, zero_libraries
from tests.golden.dea.simulated import simulate_counts

B_A = Contrast(test="B", reference="A")


def test_groups_come_first_and_covariates_against_their_first_level() -> None:
    design = make_design(["b", "a", "b", "a"], {"lane": ["2", "1", "1", "2"]})
    assert design.columns == ("group[a]", "group[b]", "lane[2]")
    np.testing.assert_array_equal(design.matrix, [[0, 1, 1], [1, 0, 0], [0, 1, 0], [1, 0, 1]])
    np.testing.assert_array_equal(design.vector(Contrast(test="b", reference="a")), [-1, 1, 0])
    assert design.df_residual == 1


def test_levels_are_sorted_without_a_locale() -> None:
    assert make_design(["a", "B", "Z", "ä"]).levels == ("B", "Z", "a", "ä")


def test_complete_blocks_are_columns_and_incomplete_ones_are_correlated() -> None:
    groups = ["A", "B"] * 3
    complete = make_design(groups, block=["1", "1", "2", "2", "3", "3"])
    assert complete.block_role == "fixed"
    assert complete.columns == ("group[A]", "group[B]", "block[2]", "block[3]")
    assert complete.df_residual == 2
    incomplete = make_design(groups, block=["1", "1", "2", "2", "3", "4"])
    assert incomplete.block_role == "random"
    assert incomplete.columns == ("group[A]", "group[B]")
    for useless in (["1"] * 6, list("123456")):
        assert make_design(groups, block=useless).block_role == "none"
    # Nor do blocks say more that groups, or a covariate, tell already.
    told = ["1", "1", "1", "2", "2", "2"]
    assert make_design(told, block=told).block_role == "none"
    batch = {"batch": ["1", "1", "2", "2", "3", "4"]}
    assert make_design(groups, batch, ["1", "1", "2", "2", "3", "4"]).block_role == "none"


def test_an_aliased_column_is_named_and_a_confounded_contrast_is_known() -> None:
    design = make_design(["A", "A", "B", "B", "C", "C"], {"lane": ["1", "2", "1", "2", "3", "3"]})
    assert design.not_estimable == ("lane[3]",)
    assert design.is_estimable(B_A)
    assert not design.is_estimable(Contrast(test="C", reference="A"))
    assert design.rank == 4


def test_estimable_columns_are_found_in_order() -> None:
    x = np.array([[1.0, 2, 0, 1], [1, 2, 1, 2], [1, 2, 0, 1], [1, 2, 1, 2]])
    np.testing.assert_array_equal(estimable_columns(x), [True, False, True, False])
    np.testing.assert_array_equal(estimable_columns(np.zeros((3, 2))), [False, False])


@pytest.mark.parametrize(
    ("contrast", "message"),
    [
        (Contrast(test="C", reference="A"), "'C' is not a group of the design: A, B"),
        (Contrast(test="A", reference="A"), "a contrast needs two groups, got 'A' on both sides"),
    ],
)
def test_a_contrast_that_names_no_groups_is_refused(contrast: Contrast, message: str) -> None:
    counts, _ = simulate_counts(0, list("AABB"), n_genes=50)
    with pytest.raises(ValueError, match=message):
        analyse_study(counts, make_design(list("AABB")), [contrast])


def test_a_design_needs_two_groups_and_values_for_every_sample() -> None:
    with pytest.raises(ValueError, match="two groups or more"):
        make_design(["A", "A"])
    with pytest.raises(ValueError, match="covariate lane has 1 values for 2 samples"):
        make_design(["A", "B"], {"lane": ["1"]})
    with pytest.raises(ValueError, match="block has 1 values for 2 samples"):
        make_design(["A", "B"], block=["1"])


def test_a_library_without_counts_is_named_and_can_be_left_out_before() -> None:
    counts, _ = simulate_counts(0, list("AABBB"), n_genes=300)
    counts[3] = 0
    with pytest.raises(NotAnalysableError, match="sample 3 has no counts") as caught:
        analyse_study(counts, make_design(list("AABBB")), [B_A])
    assert caught.value.code == "zero_library"
    np.testing.assert_array_equal(zero_libraries(counts), [3])
    kept = np.setdiff1d(np.arange(5), zero_libraries(counts))
    result = analyse_study(counts[kept], make_design(list("AABB")), [B_A])
    assert result.tested.any()


def test_a_library_whose_counts_are_all_of_other_genes_is_named() -> None:
    counts, _ = simulate_counts(0, list("AABB"), n_genes=300)
    counts[1] = 0
    counts = np.column_stack([counts, [0, 2, 0, 0]])
    with pytest.raises(NotAnalysableError, match="sample 1 has no counts of expressed genes"):
        analyse_study(counts, make_design(list("AABB")), [B_A])


def test_a_study_without_an_expressed_gene_can_not_be_analysed() -> None:
    with pytest.raises(NotAnalysableError, match="no gene passes the expression filter") as caught:
        analyse_study(np.ones((4, 5)), make_design(list("AABB")), [B_A])
    assert caught.value.code == "nothing_expressed"


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_counts_that_are_none_are_refused(bad: float) -> None:
    counts = np.full((4, 5), 100.0)
    counts[2, 3] = bad
    with pytest.raises(ValueError, match="counts must be finite and not negative"):
        analyse_study(counts, make_design(list("AABB")), [B_A])


def test_counts_of_other_samples_than_the_designs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"counts must be \(sample, gene\) of 4 samples"):
        analyse_study(np.ones((3, 5)), make_design(list("AABB")), [B_A])
    with pytest.raises(ValueError, match="no contrast was given"):
        analyse_study(np.ones((4, 5)), make_design(list("AABB")), [])


@pytest.mark.parametrize(
    ("groups", "contrast_flags", "flags"),
    [
        ("AABB", (), ("low_residual_df",)),
        ("AAAAB", ("single_sample_group",), ()),
        ("AAB", ("single_sample_group",), ("low_residual_df",)),
        ("AB", ("single_sample_group",), ()),
        ("AAABBB", (), ()),
    ],
)
def test_thin_replication_is_flagged(
    groups: str, contrast_flags: tuple[str, ...], flags: tuple[str, ...]
) -> None:
    counts, _ = simulate_counts(0, list(groups), n_genes=400)
    result = analyse_study(counts, make_design(list(groups)), [B_A])
    assert result.contrast_flags == (contrast_flags,)
    assert result.flags == flags


@pytest.mark.parametrize("method", ["voom", "trend"])
def test_a_handful_of_genes_is_enough_to_answer(method: str) -> None:
    settings = DeaSettings(method="trend" if method == "trend" else "voom")
    rng = np.random.default_rng(0)
    for n_genes in (2, 3, 5):
        counts = rng.poisson(100, (6, n_genes)).astype(float)
        result = analyse_study(counts, make_design(list("AAABBB")), [B_A], settings)
        assert result.tested.all()
        assert np.isfinite(result.p_value).all()


def test_fractional_counts_are_allowed() -> None:
    counts, _ = simulate_counts(0, list("AAABBB"), n_genes=400)
    result = analyse_study(counts + 0.25, make_design(list("AAABBB")), [B_A])
    assert result.tested.any()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("method", "deseq", "method must be one of voom, trend, got 'deseq'"),
        ("filter", "all", "filter must be one of expressed, none, got 'all'"),
        ("tested", "gene", "tested must be one of contrast, study, got 'gene'"),
        ("deviations", "rough", "deviations must be one of exact, parity, got 'rough'"),
        ("span", 0.0, "span must be over 0 and at most 1, got 0.0"),
        ("span", "auto", "span must be a number or 'adaptive', got 'auto'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DeaSettings(**{name: value})  # type: ignore[arg-type]

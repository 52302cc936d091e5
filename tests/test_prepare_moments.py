"""Moments of genes: merged as taken at once, and what scikit-learn says."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_selection import VarianceThreshold
from sklearn.preprocessing import StandardScaler

from pipeline.prepare.moments import Moments, block_moments, concatenate, merge_all, select_genes
from pipeline.prepare.settings import GeneSettings

ALL = GeneSettings(min_contrasts=0, min_studies=0)


def draw_matrix(
    seed: int, rows: int, genes: int, missing: float, shift: float
) -> npt.NDArray[np.float32]:
    """Values with NaN, a constant gene, one that is 0, one never observed, and one far from 0."""
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=rng.lognormal(size=genes), size=(rows, genes)) + shift
    x[rng.random(x.shape) < missing] = np.nan
    x[:, 0], x[:, 1], x[:, 2] = 0.1, 0.0, np.nan
    x[:, 3] += 1e4
    return x.astype(np.float32)


def moments_of(
    x: npt.NDArray[np.float32], weights: npt.NDArray[np.float64], cuts: Sequence[int]
) -> Moments:
    """Moments of the rows, in blocks that end at `cuts`."""
    tested = ~np.isnan(x)
    bounds = [0, *sorted(cuts), len(x)]
    return merge_all(block_moments(x[a:b], tested[a:b], weights[a:b]) for a, b in pairwise(bounds))


matrices = st.builds(
    draw_matrix,
    st.integers(0, 2**32),
    st.integers(1, 60),
    st.integers(4, 12),
    st.sampled_from([0.0, 0.3, 0.9]),
    st.sampled_from([0.0, 5.0]),
)


@given(matrices, st.lists(st.integers(0, 60), max_size=8), st.booleans())
@settings(max_examples=60, deadline=None)
def test_blocks_cut_anywhere_give_the_standard_scaler_s_mean_and_variance(
    x: npt.NDArray[np.float32], cuts: list[int], weighted: bool
) -> None:
    weights = (
        np.random.default_rng(1).choice([1.0, 0.5, 1 / 3], len(x)) if weighted else np.ones(len(x))
    )
    ours = moments_of(x, weights, [min(cut, len(x)) for cut in cuts])
    seen = ours.n_observed > 0
    # scikit-learn warns of a gene that nobody observed.
    # It takes the root of a constant gene's variance, which weights can make −1e-17.
    with np.errstate(invalid="ignore"):
        scaler = StandardScaler().fit(
            x[:, seen].astype(np.float64), sample_weight=weights if weighted else None
        )
    np.testing.assert_array_equal(ours.n_observed, (~np.isnan(x)).sum(axis=0))
    np.testing.assert_allclose(ours.mean[seen], scaler.mean_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.variance[seen], scaler.var_, rtol=1e-6, atol=1e-9)
    want = np.sqrt(
        np.nansum(weights[:, None] * x.astype(float) ** 2, axis=0)[seen] / ours.weight[seen]
    )
    np.testing.assert_allclose(ours.rms[seen], want, rtol=1e-6)
    assert np.isnan(ours.variance[~seen]).all()
    assert np.isnan(ours.rms[~seen]).all()


@given(matrices, st.sampled_from([0.0, 0.05, 1.0, 10.0]), st.lists(st.integers(0, 60), max_size=4))
@settings(max_examples=60, deadline=None)
def test_the_genes_above_a_variance_are_exactly_those_of_variance_threshold(
    x: npt.NDArray[np.float32], threshold: float, cuts: list[int]
) -> None:
    x = x[:, np.arange(x.shape[1]) != 2]
    x = x[:, (~np.isnan(x)).any(axis=0)]
    ours = moments_of(x, np.ones(len(x)), [min(cut, len(x)) for cut in cuts])
    chosen = select_genes(
        ours,
        np.full(x.shape[1], 9),
        GeneSettings(min_contrasts=0, min_studies=0, min_variance=threshold),
    )
    try:
        want = VarianceThreshold(threshold).fit(x.astype(np.float64)).get_support()
    except ValueError as error:
        assert "No feature" in str(error)  # noqa: PT017
        want = np.zeros(x.shape[1], bool)
    np.testing.assert_array_equal(chosen, want)


def test_a_constant_gene_has_no_variance_however_its_mean_is_rounded() -> None:
    x = np.full((1000, 1), 0.1, np.float32)
    moments = moments_of(x, np.full(1000, 1 / 3), [7, 333, 334, 900])
    assert moments.variance[0] == 0
    assert not select_genes(moments, np.array([9]), ALL).any()


def test_keeping_n_genes_keeps_those_of_highest_variance_and_the_first_of_a_tie() -> None:
    x = np.array([[1, 3, 2, 2, 0], [-1, -3, -2, -2, 0]], np.float32)
    moments = moments_of(x, np.ones(2), [1])
    for keep, want in ((1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (9, [0, 1, 2, 3])):
        settings = GeneSettings(min_contrasts=0, min_studies=0, keep=keep)
        assert np.flatnonzero(select_genes(moments, np.full(5, 1), settings)).tolist() == want


def test_a_gene_needs_enough_tested_contrasts_from_enough_studies() -> None:
    x = np.array([[1, 1, np.nan], [-1, -1, 2], [2, 2, np.nan]], np.float32)
    moments = moments_of(x, np.ones(3), [])
    settings = GeneSettings(min_contrasts=3, min_studies=2)
    assert select_genes(moments, np.array([2, 1, 1]), settings).tolist() == [True, False, False]


def test_genes_side_by_side_are_those_of_all_at_once() -> None:
    x = draw_matrix(3, 20, 8, 0.3, 0.0)
    whole = moments_of(x, np.ones(20), [5])
    parts = concatenate(
        [moments_of(x[:, :3], np.ones(20), [5]), moments_of(x[:, 3:], np.ones(20), [5])]
    )
    np.testing.assert_array_equal(whole.m2, parts.m2)


def test_no_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="no blocks"):
        merge_all([])

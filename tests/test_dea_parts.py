"""The parts of the statistics, one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special, stats

from pipeline.dea.adjust import neg_log10_adjusted
from pipeline.dea.arrays import Floats
from pipeline.dea.blocks import consensus_correlation, correlation_whitener
from pipeline.dea.expressed import is_expressed, min_samples
from pipeline.dea.lowess import Curve, fit_lowess
from pipeline.dea.quality import genewise_quality_weights, shared_quality_weights
from pipeline.dea.robust_prior import fit_robust_variance_prior
from pipeline.dea.selection import order_statistic
from pipeline.dea.splines import natural_spline_basis
from pipeline.dea.tail_table import make_tail_table, p_values
from pipeline.dea.tails import neg_log10_two_sided_p, two_sided_p
from pipeline.dea.tmm import norm_factors
from pipeline.dea.treat import treat
from pipeline.dea.variance_prior import (
    fit_variance_prior,
    inverse_trigamma,
)
from pipeline.dea.voom import span_of

FEW = hypothesis_settings(max_examples=50, deadline=None, derandomize=True)
P_VALUES = hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(1e-300, 1.0))


@FEW
@given(p=P_VALUES)
def test_adjusted_p_values_are_scipys(p: Floats) -> None:
    ours = 10 ** -neg_log10_adjusted(-np.log10(p))
    np.testing.assert_allclose(ours, stats.false_discovery_control(p), rtol=1e-10)


def test_p_values_past_the_smallest_double_are_adjusted_all_the_same() -> None:
    adjusted = neg_log10_adjusted(np.array([2000.0, 1000.0, 1.0, 0.0]))
    np.testing.assert_allclose(adjusted[:2], [2000 - np.log10(4), 1000 - np.log10(2)])


@FEW
@given(df=st.floats(0.5, 1e6), t=st.floats(0, 30))
def test_the_two_sided_p_value_is_scipys_where_scipy_is_right(df: float, t: float) -> None:
    p = float(two_sided_p(np.array([t]), df)[0])
    np.testing.assert_allclose(p, min(2 * stats.t.sf(t, df), 1), rtol=1e-9, atol=1e-300)


@FEW
@given(df=st.floats(1, 1e13), start=st.floats(0, 300))
def test_the_log_p_value_rises_without_a_step(df: float, start: float) -> None:
    t = start + np.linspace(0, 1, 50)
    log_p = neg_log10_two_sided_p(t, df)
    assert np.isfinite(log_p).all()
    steps = np.diff(log_p)
    assert (steps >= 0).all()
    assert steps.max() <= 1.5 * steps.mean() + 1e-3 * log_p.max() + 1e-9


@pytest.mark.parametrize("df", [0.3, 1.0, 2.5, 8.3, 60.0, 800.0, 1e5, 1e8, np.inf])
def test_p_values_from_the_table_of_the_tail_are_those_without(df: float) -> None:
    t = np.concatenate([np.linspace(-6, 6, 5001), np.geomspace(6, 1e4, 2000), [0.0, np.nan]])
    p, log_p = p_values(t, np.array(df), make_tail_table(df))
    want_p, want_log_p = p_values(t, np.array(df), None)
    np.testing.assert_allclose(log_p, want_log_p, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(p, want_p, rtol=1e-10, atol=1e-250)
    assert abs(p[-2] - 1) < 1e-12
    assert abs(log_p[-2]) < 1e-12


@FEW
@given(
    values=hnp.arrays(
        np.float64,
        st.integers(1, 300),
        elements=st.one_of(st.floats(-1e300, 1e300), st.integers(0, 3).map(float)),
    ),
    share=st.floats(0, 0.999),
)
def test_an_order_statistic_is_that_of_sorting(values: Floats, share: float) -> None:
    rank = int(share * values.size)
    assert order_statistic(values, rank) == np.sort(values)[rank]
    many = np.concatenate([values] * 3)
    assert order_statistic(many, 2 * rank) == np.sort(many)[2 * rank]


def test_nan_stays_nan_in_p_values() -> None:
    t = np.array([np.nan, 1.0])
    assert np.isnan(two_sided_p(t, 4.0)[0])
    assert np.isnan(neg_log10_two_sided_p(t, 4.0)[0])


@FEW
@given(x=st.floats(1e-9, 1e9))
def test_the_inverse_of_trigamma_is_its_inverse(x: float) -> None:
    np.testing.assert_allclose(float(special.polygamma(1, inverse_trigamma(x))), x, rtol=1e-5)


def test_without_a_prior_the_moderated_t_is_the_ordinary_t() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6, 50))
    want = stats.ttest_ind(a, b)
    s2 = (a.var(0, ddof=1) + b.var(0, ddof=1)) / 2
    t = (a.mean(0) - b.mean(0)) / np.sqrt(s2 * 2 / 6)
    np.testing.assert_allclose(t, want.statistic)
    np.testing.assert_allclose(two_sided_p(t, 10), want.pvalue)


@pytest.mark.parametrize("df_prior", [3.0, 12.0])
def test_the_variance_prior_is_found_again(df_prior: float) -> None:
    rng = np.random.default_rng(1)
    sigma2 = 0.3 * rng.chisquare(4, 40_000) / 4 * df_prior / rng.chisquare(df_prior, 40_000)
    for fit in (fit_variance_prior, fit_robust_variance_prior):
        prior = fit(sigma2, 4)
        np.testing.assert_allclose(np.median(prior.df_prior), df_prior, rtol=0.1)
        np.testing.assert_allclose(prior.s2_prior, 0.3, rtol=0.03)


def test_a_trended_prior_follows_its_covariate() -> None:
    rng = np.random.default_rng(2)
    covariate = rng.uniform(0, 10, 20_000)
    truth = np.exp(-0.3 * covariate)
    sigma2 = truth * rng.chisquare(4, 20_000) / 4 * 8 / rng.chisquare(8, 20_000)
    for fit in (fit_variance_prior, fit_robust_variance_prior):
        prior = fit(sigma2, 4, covariate)
        assert np.median(np.abs(np.log(prior.s2_prior / truth))) < 0.05


def test_equal_variances_have_an_infinite_prior() -> None:
    prior = fit_variance_prior(np.full(100, 0.2), 4)
    assert np.isinf(prior.df_prior)
    np.testing.assert_allclose(prior.posterior(np.array([0.1, 5.0]), 4), 0.2)


def test_variances_of_zero_are_raised_before_their_logarithm() -> None:
    sigma2 = np.array([0.0, 0.0, *np.random.default_rng(0).chisquare(4, 200)])
    prior = fit_variance_prior(sigma2, 4)
    assert np.isfinite(prior.s2_prior)


def test_hypervariable_genes_get_few_prior_degrees_of_freedom() -> None:
    rng = np.random.default_rng(3)
    sigma2 = rng.chisquare(4, 5000) / 4 * 10 / rng.chisquare(10, 5000)
    sigma2[:20] *= 300
    prior = fit_robust_variance_prior(sigma2, 4)
    assert prior.df_prior[:20].max() < 3 < np.median(prior.df_prior[20:])


def _plain_lowess(x: Floats, y: Floats, span: float) -> Floats:
    """Cleveland's lowess by its definition, fitted at every point."""
    n = x.size
    q = max(2, min(n, int(span * n + 1e-7)))
    robust = np.ones(n)
    fitted = np.empty(n)
    for _ in range(4):
        for i in range(n):
            distance = np.abs(x - x[i])
            h = np.sort(distance)[q - 1]
            w = np.where(distance <= 0.999 * h, (1 - (distance / h) ** 3) ** 3, 0.0)
            w[distance <= 0.001 * h] = 1
            w *= robust
            w /= w.sum()
            mean = w @ x
            spread = w @ (x - mean) ** 2
            fitted[i] = w @ y
            if np.sqrt(spread) > 0.001 * np.ptp(x):
                fitted[i] += (x[i] - mean) * (w @ ((x - mean) * y)) / spread
        residual = np.abs(y - fitted)
        scale = 6 * np.median(residual)
        robust = (1 - (residual / scale) ** 2) ** 2
        robust[residual <= 0.001 * scale] = 1
        robust[residual > 0.999 * scale] = 0
    return fitted


@pytest.mark.parametrize("span", [0.3, 0.5, 1.0])
def test_the_curve_is_clevelands_lowess(span: float) -> None:
    rng = np.random.default_rng(4)
    x = np.sort(rng.uniform(0, 10, 80))
    y = np.sin(x) + rng.normal(0, 0.2, 80)
    y[[5, 40]] += 5
    curve = fit_lowess(x, y, span=span, delta=0.0)
    np.testing.assert_allclose(curve(x), _plain_lowess(x, y, span), atol=1e-9)


def test_between_fitted_points_the_curve_is_straight_and_beyond_them_constant() -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(0, 10, 5000)
    curve = fit_lowess(x, np.exp(-x / 5) + rng.normal(0, 0.1, 5000), span=0.5, delta=0.1)
    assert curve.x.size <= 110
    assert (np.diff(curve.x) > 0).all()
    assert curve.x[0] == x.min()
    assert curve.x[-1] == x.max()
    middle = (curve.x[1:] + curve.x[:-1]) / 2
    np.testing.assert_allclose(curve(middle), (curve.y[1:] + curve.y[:-1]) / 2)
    np.testing.assert_array_equal(curve(np.array([-99.0, 99.0])), curve.y[[0, -1]])


def test_the_curve_of_one_point_or_of_equal_points_is_constant() -> None:
    one = fit_lowess(np.array([1.0]), np.array([2.0]), span=0.5, delta=0.1)
    np.testing.assert_array_equal(one(np.array([0.0, 5.0])), 2.0)
    same = fit_lowess(np.full(10, 3.0), np.full(10, 2.0), span=0.5, delta=0.0)
    np.testing.assert_array_equal(same(np.array([0.0, 3.0])), 2.0)


@FEW
@given(
    at=hnp.arrays(np.float64, 30, elements=st.floats(-20, 20)),
    x=st.lists(st.floats(-10, 10), min_size=2, max_size=60, unique=True),
)
def test_a_curve_is_numpys_interpolation(at: Floats, x: list[float]) -> None:
    knots = np.sort(np.round(x, 3))
    knots = knots[np.concatenate([[True], np.diff(knots) > 0])]
    y = np.cos(knots)
    ours = Curve(knots, y)(at.reshape(5, 6))
    np.testing.assert_allclose(ours, np.interp(at, knots, y).reshape(5, 6), atol=1e-9)


def test_the_adaptive_span_shrinks_with_the_number_of_genes() -> None:
    assert span_of(0.5, 10) == 0.5
    assert span_of("adaptive", 50) == 1.0
    np.testing.assert_allclose(span_of("adaptive", 24_000), 0.3894, atol=1e-3)


def test_a_natural_spline_is_straight_at_its_ends() -> None:
    x = np.linspace(0, 1, 2001)
    basis = natural_spline_basis(x, 4)
    np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-12)
    second = np.diff(basis, 2, axis=0)
    assert np.abs(second[[0, -1]]).max() < 0.01 * np.abs(second).max()
    line = 3 * x - 1
    np.testing.assert_allclose(basis @ (basis.T @ line), line)


def test_library_composition_is_what_normalisation_takes_out() -> None:
    rng = np.random.default_rng(6)
    mean = rng.gamma(0.5, 100, 2000)
    counts = rng.poisson(mean, (2, 2000)).astype(float)
    counts[1, :100] *= 20
    factors = norm_factors(counts, counts.sum(axis=1))
    np.testing.assert_allclose(np.prod(factors), 1)
    effective = counts.sum(axis=1) * factors
    shared = counts[:, 100:].sum(axis=1) / effective
    np.testing.assert_allclose(shared[0], shared[1], rtol=0.02)


def test_equal_libraries_have_factors_of_one() -> None:
    counts = np.tile(np.random.default_rng(7).poisson(20, 500).astype(float), (3, 1))
    np.testing.assert_array_equal(norm_factors(counts, counts.sum(axis=1)), 1.0)
    empty = np.zeros((2, 10))
    np.testing.assert_array_equal(norm_factors(empty, np.ones(2)), 1.0)


def _two_groups(size: int) -> Floats:
    return np.repeat(np.eye(2), size, axis=0)


def test_a_gene_must_be_expressed_in_as_many_samples_as_the_smallest_group_has() -> None:
    matrix = _two_groups(3)
    assert min_samples(matrix) == 3
    assert min_samples(_two_groups(20)) == 17
    counts = np.full((6, 3), 1e5)
    counts[:, 0] = [20, 20, 20, 0, 0, 0]
    counts[:, 1] = [20, 20, 0, 0, 0, 0]
    np.testing.assert_array_equal(is_expressed(counts, matrix), [True, False, True])


@pytest.mark.parametrize("which", ["genewise", "shared"])
def test_a_noisy_sample_gets_a_small_weight(which: str) -> None:
    rng = np.random.default_rng(8)
    matrix = _two_groups(4)
    z = rng.normal(size=(8, 3000)) * np.array([1, 1, 3, 1, 1, 1, 1, 1])[:, None]
    weights = (
        shared_quality_weights(z, matrix)
        if which == "shared"
        else genewise_quality_weights(z, np.ones_like(z), matrix)
    )
    np.testing.assert_allclose(np.prod(weights), 1)
    assert np.argmin(weights) == 2
    np.testing.assert_allclose(weights[2] / np.median(weights), 1 / 9, rtol=0.35)


def test_the_consensus_correlation_is_found_again() -> None:
    rng = np.random.default_rng(9)
    block = np.repeat(np.arange(6), 2)
    matrix = _two_groups(6)[[0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]]
    z = rng.normal(size=(12, 4000)) + rng.normal(size=(6, 4000))[block]
    assert abs(consensus_correlation(z, matrix, block) - 0.5) < 0.06
    weights = rng.uniform(0.5, 2, z.shape)
    assert abs(consensus_correlation(z, matrix, block, weights) - 0.5) < 0.08
    unrelated = rng.normal(size=(12, 4000))
    assert abs(consensus_correlation(unrelated, matrix, block)) < 0.06


def test_whitened_blocks_are_independent() -> None:
    block = np.array([0, 0, 1, 1, 1, 2])
    covariance = np.where(block[:, None] == block, 0.4, 0.0)
    np.fill_diagonal(covariance, 1)
    whitener = correlation_whitener(block, 0.4)
    np.testing.assert_allclose(whitener @ covariance @ whitener.T, np.eye(6), atol=1e-12)


def test_treat_at_no_fold_change_is_the_moderated_t() -> None:
    logfc, se = np.array([1.0, -2.0, 0.0]), np.array([0.5, 0.4, 1.0])
    t, p_value = treat(logfc, se, 8.0, least_logfc=0.0)
    np.testing.assert_allclose(t, logfc / se)
    np.testing.assert_allclose(p_value, two_sided_p(t, 8.0))
    smaller, larger_p = treat(logfc, se, 8.0, least_logfc=0.5)
    assert (np.abs(smaller) <= np.abs(t)).all()
    assert (larger_p >= p_value).all()
    with pytest.raises(ValueError, match="least_logfc must be at least 0, got -1"):
        treat(logfc, se, 8.0, least_logfc=-1.0)

"""How well planted truth was recovered, and statistics drawn from the truth."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.statistics import ContrastStatistics, simulate_contrast_statistics
from pipeline.simulate.study import simulate_study, study_effects, study_layout
from pipeline.simulate.truth import recovery
from pipeline.simulate.universe import Universe, make_universe

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def universe() -> Universe:
    return make_universe(SimulationSettings(n_genes=8000, n_programs=60))


@pytest.fixture(scope="module")
def statistics(universe: Universe) -> list[ContrastStatistics]:
    return [simulate_contrast_statistics(universe, k) for k in range(40)]


def test_recovery_counts_what_was_called_and_what_was_true() -> None:
    true = np.array([[2.0, -1.0, 0.5, 0.0, 0.0, 0.0, 3.0]])
    logfc = np.array([[1.0, -0.5, 0.25, 0.0, 0.0, 0.0, np.nan]])
    log_p = np.array([[9.0, 2.0, 0.1, 5.0, 0.0, 0.1, np.nan]])
    found = recovery(logfc, log_p, true, np.isfinite(logfc))
    assert (found.n_tested, found.n_changed, found.n_called) == (6, 3, 3)
    assert found.false_discovery_rate == pytest.approx(1 / 3)
    assert found.sensitivity == pytest.approx(2 / 3)
    assert found.strong_sensitivity == 1
    assert found.slope == pytest.approx(0.5)
    assert found.correlation == pytest.approx(1)


def test_recovery_of_nothing_is_not_a_number() -> None:
    zero = np.zeros((1, 5))
    found = recovery(zero, zero, zero, np.ones((1, 5), dtype=bool))
    assert math.isnan(found.correlation)
    assert math.isnan(found.slope)
    assert math.isnan(found.false_discovery_rate)
    assert math.isnan(found.sensitivity)


def test_recovery_refuses_what_does_not_fit() -> None:
    a, tested = np.zeros((2, 5)), np.ones((2, 5), dtype=bool)
    with pytest.raises(ValueError, match="the arrays must have one shape"):
        recovery(a, a, a[:1], tested)
    with pytest.raises(ValueError, match="3 tested genes have no estimate"):
        recovery(np.where(np.arange(5) < 3, np.nan, a)[:1], a[:1], a[:1], tested[:1])


def test_drawn_statistics_have_the_contrasts_of_the_study_and_nan_together(
    universe: Universe, statistics: list[ContrastStatistics]
) -> None:
    for k, found in enumerate(statistics):
        if k < 3:
            assert found.contrasts == simulate_study(universe, k).contrasts
        for values in (found.logfc, found.se, found.t, found.neg_log10_p):
            assert values.shape == (len(found.contrasts), 8000)
            assert values.dtype == np.float32
            np.testing.assert_array_equal(np.isnan(values), np.isnan(found.t))
    tested = np.concatenate([np.isfinite(s.t) for s in statistics]).mean(axis=1)
    assert tested.min() > 0.1
    assert tested.max() < 0.6


def test_drawn_statistics_agree_with_each_other(statistics: list[ContrastStatistics]) -> None:
    for found in statistics:
        seen = np.isfinite(found.t)
        np.testing.assert_allclose(found.t[seen], (found.logfc / found.se)[seen], rtol=1e-4)
        t = found.t[seen].astype(np.float64)
        p = 2 * stats.t.sf(np.abs(t), found.df_total)
        np.testing.assert_allclose(found.neg_log10_p[seen], -np.log10(p), rtol=1e-4, atol=1e-5)


def test_drawn_statistics_scatter_about_the_truth_and_null_p_values_are_uniform(
    universe: Universe, statistics: list[ContrastStatistics]
) -> None:
    truth: list[Floats] = []
    logfc: list[Floats] = []
    p: list[Floats] = []
    for k, found in enumerate(statistics):
        true = study_effects(universe, study_layout(universe, k), k).logfc[: len(found.contrasts)]
        seen = np.isfinite(found.t)
        truth.append(true[seen])
        logfc.append(found.logfc[seen].astype(np.float64))
        p.append(10.0 ** -found.neg_log10_p[seen].astype(np.float64))
    x, y, q = (np.concatenate(a) for a in (truth, logfc, p))
    np.testing.assert_allclose((x @ y) / (x @ x), 1, atol=0.05)
    null = q[x == 0]
    for level in (0.5, 0.05, 0.005):
        assert 0.9 < (null < level).mean() / level < 1.1


def test_drawn_statistics_are_repeatable(universe: Universe) -> None:
    a, b = (simulate_contrast_statistics(universe, 3) for _ in range(2))
    np.testing.assert_array_equal(a.t, b.t)

"""Simulated count tables look like real ones, by the measures of `benchmarks/compare_simulator.py`."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.compare_simulator import collect, real_measures, simulated_measures
from benchmarks.dispersion_fit import LOG_GRID, dispersion_likelihood, fit_log_normal

STUDIES = Path(__file__).resolve().parents[2] / "shared" / "data" / "studies"


def test_the_dispersion_fit_finds_what_was_planted() -> None:
    rng = np.random.default_rng(0)
    dispersion = np.exp(rng.normal(np.log(0.05), 0.6, 500))
    mean = rng.uniform(50, 500, 500) * rng.gamma(1 / dispersion, dispersion, (6, 500))
    likelihood = dispersion_likelihood(
        rng.poisson(mean).astype(np.float64), np.ones(6), ["a"] * 3 + ["b"] * 3
    )
    assert likelihood.shape == (500, len(LOG_GRID))
    centre, spread = fit_log_normal(likelihood)
    np.testing.assert_allclose(np.exp(centre), 0.05, rtol=0.2)
    np.testing.assert_allclose(spread, 0.6, atol=0.15)


@pytest.mark.skipif(not STUDIES.is_dir(), reason=f"no real studies at {STUDIES}")
def test_simulated_studies_measure_like_real_ones() -> None:
    real, simulated = collect(real_measures(STUDIES)), collect(simulated_measures(48))
    for name, values in real.items():
        low, median, high = np.nanquantile(values, [0.0, 0.5, 1.0])
        found = float(np.median(simulated[name]))
        # A median of simulated studies is no further from the real median than real studies are.
        assert low <= found <= high, f"{name}: {found} is outside the real {low} to {high}"
        if name.startswith("dispersion, 50"):
            assert 0.5 < found / median < 2, f"{name}: {found}, real {median}"
        elif name.startswith("log2 cpm"):
            assert abs(found - median) < 0.6, f"{name}: {found}, real {median}"
        elif name.startswith("genes with"):
            assert abs(found / median - 1) < 0.15, f"{name}: {found}, real {median}"

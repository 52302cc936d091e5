"""Baselines: PCA is scikit-learn's, block by block, and each is what it says."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from model.baselines.matrix import ArrayMatrix, row_blocks
from model.baselines.observed_pca import (
    ObservedPcaSettings,
    begin_observed,
    fit_observed_pca,
    go_on,
)
from model.baselines.pca import Pca, PcaSettings, fit_pca
from model.baselines.projection import mean_only, random_projection

# A budget so small that every matrix here is read in many blocks.
BLOCKS = PcaSettings(budget_gib=1e-5)


def programs(
    rng: np.random.Generator, n_rows: int, n_genes: int, rank: int, noise: float = 0.3
) -> np.ndarray:
    """Rows made of a few programs of falling size, and noise."""
    sizes = 3.0 / np.arange(1, rank + 1)
    codes = rng.normal(size=(n_rows, rank)) * sizes
    return codes @ rng.normal(size=(rank, n_genes)) + noise * rng.normal(size=(n_rows, n_genes))


def check_like_scikit(got: Pca, x: np.ndarray, rank: int, tolerance: float) -> int:
    """Compare with scikit-learn's PCA; count the components whose direction could be compared."""
    want = PCA(svd_solver="full").fit(x)
    np.testing.assert_allclose(
        got.variance, want.explained_variance_[:rank], rtol=tolerance, atol=0
    )
    np.testing.assert_allclose(got.total, want.explained_variance_.sum(), rtol=1e-10)
    values = np.append(want.explained_variance_, 0)
    compared = 0
    for i in range(rank):
        around = np.abs(np.delete(values, i) - values[i]).min()
        if around > 1e-3 * values[i]:
            angle = subspace_angles(
                got.projection.components[i][:, None].astype(float), want.components_[i][:, None]
            )
            assert angle[0] < tolerance
            compared += 1
    return compared


@pytest.mark.parametrize(("shape", "rank"), [((60, 300), 59), ((120, 40), 40), ((90, 500), 12)])
def test_exact_pca_is_that_of_scikit_learn(shape: tuple[int, int], rank: int) -> None:
    rng = np.random.default_rng(1)
    x = programs(rng, *shape, 8) + rng.normal(size=shape[1])
    got = fit_pca(ArrayMatrix(x), rank, replace(BLOCKS, centre=True))
    assert got.method == "exact"
    assert check_like_scikit(got, x, rank, 1e-5) >= min(rank, 30)
    inner = got.projection.components @ got.projection.components.T
    np.testing.assert_allclose(inner, np.eye(rank), atol=1e-5)


def test_randomised_pca_keeps_its_tolerance(caplog: pytest.LogCaptureFixture) -> None:
    x = programs(np.random.default_rng(2), 300, 400, 10, noise=0.1)
    settings = replace(BLOCKS, centre=True, exact_rows=100, tolerance=1e-6, passes=50)
    got = fit_pca(ArrayMatrix(x), 10, settings)
    want = PCA(svd_solver="full").fit(x).explained_variance_
    assert got.method == "randomised"
    assert got.error <= 1e-6
    assert got.told().startswith(f"randomised, each eigenvalue within {got.error:.1e} of")
    assert np.abs(got.variance - want[:10]).max() <= got.error * want[0] * (1 + 1e-9)
    assert not caplog.records
    # Cut short, it says how far it came.
    short = fit_pca(ArrayMatrix(x), 10, replace(settings, passes=1))
    assert short.error > 1e-6
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"{short.error:.1e}" in record.message
    assert "after 1 passes" in record.message


def test_without_centring_minus_a_row_has_minus_its_code() -> None:
    x = programs(np.random.default_rng(3), 50, 80, 4) + 1
    projection = fit_pca(ArrayMatrix(x), 5, BLOCKS).projection
    np.testing.assert_allclose(projection.encode(-x), -projection.encode(x), atol=1e-12)


def test_shrinking_weakens_components_of_noise_and_spares_those_of_programs() -> None:
    x = programs(np.random.default_rng(4), 200, 400, 3)
    factors = fit_pca(ArrayMatrix(x), 40, BLOCKS).shrunken().factors
    assert (factors[:3] > 0.95).all()
    assert (factors[3:] < 0.8).all()
    assert (np.diff(factors) <= 0).all()


def test_on_a_full_matrix_both_kinds_of_pca_are_one() -> None:
    x = programs(np.random.default_rng(5), 60, 90, 3)
    zeros = fit_pca(ArrayMatrix(x), 3, BLOCKS)
    observed = fit_observed_pca(ArrayMatrix(x), 3)
    np.testing.assert_allclose(observed.variance, zeros.variance, rtol=1e-5)
    between = subspace_angles(observed.components.T, zeros.projection.components.T)
    assert between.max() < 1e-4


@pytest.mark.parametrize("kind", ["copies", "empty", "alike"])
def test_rows_that_tell_nothing_new_give_components_of_nothing(kind: str) -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(12, 40))
    if kind == "copies":
        x[3], x[7] = x[1], x[1]
    elif kind == "empty":
        x[2:4] = np.nan
    else:
        x[:] = x[0]
    rank = 11
    zeros = fit_pca(ArrayMatrix(x), rank, BLOCKS)
    observed = fit_observed_pca(ArrayMatrix(x), rank, start=zeros)
    filled = np.nan_to_num(x)
    want = np.linalg.svd(filled)[1][:rank] ** 2 / len(x)
    np.testing.assert_allclose(zeros.variance, want, rtol=1e-6, atol=1e-12 * want[0])
    size = np.linalg.norm(zeros.projection.components, axis=1)
    real = min(np.linalg.matrix_rank(filled), rank)
    np.testing.assert_allclose(size, np.arange(rank) < real, atol=1e-5)
    for coder in (zeros.projection, zeros.shrunken(), observed):
        made = coder.reconstruct(x)
        assert np.isfinite(made).all()
        assert np.nansum((made - x) ** 2) <= np.nansum(x**2)
    if real < rank:
        there = ~np.isnan(x)
        np.testing.assert_allclose(zeros.projection.reconstruct(x)[there], x[there], atol=1e-4)


def test_pca_on_observed_entries_finds_programs_that_zeros_hide() -> None:
    rng = np.random.default_rng(6)
    x = programs(rng, 160, 200, 3, noise=0.1)
    holes = np.repeat(rng.random((16, 200)) < 0.5, 10, axis=0)
    seen = np.where(holes, np.nan, x)
    train, test = seen[:120], seen[120:]
    settings = ObservedPcaSettings(budget_gib=1e-4, iterations=200, tolerance=1e-7)
    observed = fit_observed_pca(ArrayMatrix(train), 3, settings)
    assert (np.diff(observed.explained) > -1e-9).all()
    zeros = fit_pca(ArrayMatrix(train), 3).projection
    hidden = np.isnan(test)
    # Judged on entries that neither has seen.
    error = [np.mean((f.reconstruct(test) - x[120:])[hidden] ** 2) for f in (observed, zeros)]
    assert error[0] < 0.05 * error[1]
    assert error[0] < 3 * 0.1**2


def test_a_fit_that_goes_on_is_to_the_last_bit_the_one_with_those_settings_at_once() -> None:
    rng = np.random.default_rng(9)
    x = programs(rng, 60, 50, 4)
    x[rng.random(x.shape) < 0.3] = np.nan
    matrix = ArrayMatrix(x)
    coarse, fine = ObservedPcaSettings(tolerance=1e-3), ObservedPcaSettings(tolerance=1e-6)
    fit = begin_observed(matrix, fit_pca(matrix, 3), coarse)
    first = go_on(fit, coarse)
    kept = first.components.copy()
    then, at_once = go_on(fit, fine), fit_observed_pca(matrix, 3, fine)
    assert len(first.explained) < len(then.explained)
    assert then.explained == at_once.explained
    assert then.components.tobytes() == at_once.components.tobytes()
    assert first.components.tobytes() == kept.tobytes(), "what was found before has changed"


def test_a_code_from_observed_entries_is_the_regularised_least_squares_solution() -> None:
    rng = np.random.default_rng(7)
    x = programs(rng, 60, 50, 4)
    x[rng.random(x.shape) < 0.3] = np.nan
    model = fit_observed_pca(ArrayMatrix(x), 4)
    seen = ~np.isnan(x[0])
    part = model.components[:, seen].astype(float)
    want = np.linalg.solve(part @ part.T + np.diag(model.noise / model.variance), part @ x[0, seen])
    np.testing.assert_allclose(model.encode(x)[0], want, rtol=1e-4)


def test_a_random_projection_keeps_rank_over_genes_of_the_energy() -> None:
    x = np.random.default_rng(8).normal(size=(40, 400))
    projection = random_projection(np.zeros(400, np.float32), 100, seed=0)
    kept = 1 - ((projection.reconstruct(x) - x) ** 2).sum() / (x**2).sum()
    assert kept == pytest.approx(0.25, abs=0.02)


def test_the_mean_is_a_code_of_rank_nothing() -> None:
    mean = np.arange(5, dtype=np.float32)
    baseline = mean_only(mean)
    assert baseline.rank == 0
    np.testing.assert_array_equal(baseline.reconstruct(np.full((2, 5), np.nan)), [mean, mean])


def test_more_components_than_rows_allow_are_refused() -> None:
    with pytest.raises(ValueError, match="5 rows × 9 genes have 1 to 4 components, got 5"):
        fit_pca(ArrayMatrix(np.ones((5, 9))), 5)
    with pytest.raises(ValueError, match="from 1 to the 9 genes, got 10"):
        random_projection(np.zeros(9, np.float32), 10, seed=0)


def test_row_blocks_cover_the_matrix() -> None:
    x = np.arange(35.0).reshape(7, 5)
    np.testing.assert_array_equal(np.vstack([b for _, b in row_blocks(ArrayMatrix(x), 3)]), x)

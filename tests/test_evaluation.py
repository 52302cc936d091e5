"""Scores say how near, how sure, and what is kept."""

import numpy as np
import pytest

from model.baselines.projection import mean_only, random_projection
from model.evaluation.intervals import r2_gain, r2_interval
from model.evaluation.recall import hide_entries, sign_asymmetry, top_gene_recall
from model.evaluation.scores import join_scores, score
from model.evaluation.tables import contrast_table, gene_table


def holed(seed: int, shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) + 0.5
    x[rng.random(shape) < 0.3] = np.nan
    return x


def test_the_mean_scores_nothing_and_the_truth_everything() -> None:
    x = holed(0)
    mean = np.nanmean(x, axis=0)
    weight = np.ones(len(x))
    nothing = score(x, mean_only(mean).reconstruct(x), mean, weight)
    assert nothing.r2 == 0
    np.testing.assert_array_equal(nothing.r2_of_gene, 0)
    assert nothing.mse == pytest.approx(np.nanmean((x - mean) ** 2))
    everything = score(x, np.nan_to_num(x), mean, weight)
    assert (everything.r2, everything.mse) == (1, 0)


def test_scores_are_those_of_the_written_out_sums_and_weights_are_of_rows() -> None:
    x = holed(1)
    rng = np.random.default_rng(2)
    y, weight, reference = rng.normal(size=x.shape), rng.random(len(x)), rng.normal(size=30)
    got = join_scores(
        score(x[i : i + 7], y[i : i + 7], reference, weight[i : i + 7]) for i in range(0, 20, 7)
    )
    w = np.where(np.isnan(x), 0, weight[:, None])
    error, square = np.nan_to_num(x - y) ** 2, np.nan_to_num(x - reference) ** 2
    assert got.mse == pytest.approx((w * error).sum() / w.sum())
    assert got.r2 == pytest.approx(1 - (w * error).sum() / (w * square).sum())
    np.testing.assert_allclose(got.mse_of_gene, (w * error).sum(0) / w.sum(0))
    np.testing.assert_allclose(got.mse_of_row, np.nanmean((x - y) ** 2, axis=1))
    # A row twice as heavy counts as if it were there twice.
    heavy, twice = np.r_[weight[:3], 2 * weight[3]], np.r_[0, 1, 2, 3, 3]
    a = score(x[:4], y[:4], reference, heavy)
    b = score(x[twice], y[twice], reference, weight[twice])
    assert a.r2 == pytest.approx(b.r2)


@pytest.mark.parametrize("nonsense", [np.nan, np.inf])
def test_a_reconstruction_that_is_no_number_has_no_score(nonsense: float) -> None:
    x = holed(2)
    y = np.zeros_like(x)
    y[np.isnan(x)] = nonsense
    assert score(x, y, np.zeros(30), np.ones(20)).r2 == 0
    y[3] = nonsense
    got = score(x, y, np.zeros(30), np.ones(20))
    assert not np.isfinite(got.r2)
    assert not np.isfinite(got.mse)
    assert np.isfinite(np.delete(got.r2_of_row, 3)).all()


def test_a_row_or_gene_without_entries_has_no_score_and_troubles_none() -> None:
    x = holed(3)
    x[4], x[:, 2] = np.nan, np.nan
    got = score(x, np.zeros_like(x), np.zeros(30), np.ones(20))
    assert np.isnan(got.r2_of_row[4])
    assert np.isnan(got.r2_of_gene[2])
    assert got.r2 == pytest.approx(0)


def test_the_interval_is_that_of_studies_not_of_contrasts() -> None:
    rng = np.random.default_rng(4)
    quality = np.repeat(rng.uniform(0.2, 0.9, 12), 10)
    x = rng.normal(size=(120, 50))
    got = score(x, x * quality[:, None], np.zeros(50), np.ones(120))
    by_study = r2_interval(got, np.repeat(np.arange(12).astype(str), 10).tolist())
    by_row = r2_interval(got, [str(i) for i in range(120)])
    assert by_study.low < got.r2 == by_study.value < by_study.high
    assert by_study.high - by_study.low > 1.5 * (by_row.high - by_row.low)


def test_a_gain_is_surer_than_the_scores_that_it_is_of() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 40)) * np.repeat(rng.uniform(0.2, 3, 20), 3)[:, None]
    noise = rng.normal(size=x.shape)
    studies = np.repeat(np.arange(20).astype(str), 3).tolist()
    better, worse = (score(x, x + size * noise, np.zeros(40), np.ones(60)) for size in (0.50, 0.55))
    gain = r2_gain(better, worse, studies)
    assert 0 < gain.low < gain.value < gain.high
    alone = r2_interval(better, studies)
    assert gain.high - gain.low < alone.high - alone.low
    with pytest.raises(ValueError, match="different entries"):
        r2_gain(better, score(holed(5, (60, 40)), x, np.zeros(40), np.ones(60)), studies)


def test_top_genes_are_recalled_by_size_whatever_their_sign() -> None:
    x = np.array([[5.0, -4, 3, 0.1, 0.2, np.nan]])
    assert top_gene_recall(x, np.nan_to_num(x), 2)[0] == 1
    assert top_gene_recall(x, np.array([[9.0, 0, 0, -8, 0, 99]]), 2)[0] == 0.5
    assert np.isnan(top_gene_recall(x, np.nan_to_num(x), 5)[0])
    with pytest.raises(ValueError, match="at least 1"):
        top_gene_recall(x, x, 0)


def test_a_linear_code_is_symmetric_and_a_rectified_one_is_not() -> None:
    x = np.random.default_rng(6).normal(size=(10, 40))
    linear = random_projection(np.zeros(40, np.float32), 8, seed=0)
    np.testing.assert_allclose(
        sign_asymmetry(linear.reconstruct(x), linear.reconstruct(-x)), 0, atol=1e-12
    )
    np.testing.assert_allclose(sign_asymmetry(np.maximum(x, 0), np.maximum(-x, 0)), 1)
    np.testing.assert_allclose(sign_asymmetry(np.abs(x), np.abs(-x)), 2)
    assert np.isnan(sign_asymmetry(0 * x, 0 * x)).all()


def test_what_is_hidden_is_in_the_target_alone() -> None:
    x = holed(7, (50, 60))
    shown, target = hide_entries(x, 0.2, seed=1)
    assert not (~np.isnan(shown) & ~np.isnan(target)).any()
    np.testing.assert_array_equal(np.where(np.isnan(target), shown, target), x)
    assert (~np.isnan(target)).sum() / (~np.isnan(x)).sum() == pytest.approx(0.2, abs=0.03)
    with pytest.raises(ValueError, match="between 0 and 1"):
        hide_entries(x, 1.0, seed=1)


def test_tables_have_each_gene_and_contrast_with_the_scores_of_its_own_entries() -> None:
    x = holed(5, (6, 8))
    x[2], x[:, 3] = np.nan, np.nan
    weight, reference = np.array([1, 1, 0.5, 0.5, 1, 0.25]), np.full(8, 0.5)
    guesses = {"model": 0.9 * np.nan_to_num(x), "PCA, zeros for missing": np.zeros_like(x)}
    scores = {name: score(x, guess, reference, weight) for name, guess in guesses.items()}
    genes = gene_table([f"g{i}" for i in range(8)], scores)
    studies = ["A", "A", "B", "B", "C", "D"]
    contrasts = contrast_table([f"c{i}" for i in range(6)], studies, scores)
    seen = ~np.isnan(x)
    np.testing.assert_array_equal(genes["n_observed"], seen.sum(0))
    np.testing.assert_array_equal(contrasts["n_observed"], seen.sum(1))
    assert contrasts["study"].tolist() == studies
    one = seen[:, 5]
    want = np.average(0.01 * x[one, 5] ** 2, weights=weight[one])
    assert genes.loc[5, "mse_model"] == pytest.approx(want)
    want = 1 - np.nansum(x[4] ** 2) / np.nansum((x[4] - 0.5) ** 2)
    assert contrasts.loc[4, "r2_pca_zeros_for_missing"] == pytest.approx(want)
    assert genes.loc[3].drop(["gene", "n_observed"]).isna().all()
    assert contrasts.loc[2].drop(["contrast", "study", "n_observed"]).isna().all()
    others = contrasts.drop(index=2)
    assert others.notna().all(axis=None)

"""On halves that share no noise the truth reaches the ceiling, and nothing else does."""

import numpy as np
import pytest

from model.evaluation.halves import score_halves, score_signal
from model.evaluation.intervals import r2_gain, r2_interval, r2_share
from model.evaluation.scores import join_scores

N_STUDIES, PER_STUDY, N_GENES = 60, 4, 300
STUDIES = np.repeat([f"S{i}" for i in range(N_STUDIES)], PER_STUDY).tolist()
WEIGHT = np.full(N_STUDIES * PER_STUDY, 1 / PER_STUDY)


def measured_twice(
    seed: int, noise: float = 1.0, shared: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Truth, two measurements with holes, the training mean, and the share of signal in their energy."""
    rng = np.random.default_rng(seed)
    size = np.repeat(rng.uniform(0.3, 1.5, N_STUDIES), PER_STUDY)[:, None]
    codes = rng.normal(size=(len(STUDIES), 5))
    reference = rng.normal(size=N_GENES) * 0.3
    truth = reference + size * (codes @ rng.normal(size=(5, N_GENES)) / np.sqrt(5))
    sd = noise * rng.uniform(0.5, 1.5, N_GENES)
    both = rng.normal(size=truth.shape) * shared
    halves = [truth + sd * rng.normal(size=truth.shape) + both for _ in range(2)]
    for half in halves:
        half[rng.random(half.shape) < 0.2] = np.nan
    seen = ~np.isnan(halves[0]) & ~np.isnan(halves[1])
    signal = np.sum(np.where(seen, (truth - reference) ** 2, 0) * WEIGHT[:, None])
    energy = signal + np.sum(np.where(seen, sd**2 + shared**2, 0) * WEIGHT[:, None])
    return truth, halves[0], halves[1], reference, float(signal / energy)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noise", [0.3, 1.0, 2.0])
def test_the_ceiling_is_the_share_of_signal_and_the_truth_reaches_it(
    seed: int, noise: float
) -> None:
    truth, a, b, reference, share = measured_twice(seed, noise)
    ceiling = score_signal(a, b, reference, WEIGHT)
    found = r2_interval(ceiling, STUDIES)
    assert found.value == pytest.approx(share, abs=0.02)
    assert found.low < share < found.high
    oracle = score_halves(a, b, truth, truth, reference, WEIGHT)
    assert oracle.r2 == pytest.approx(found.value, abs=0.02)
    assert r2_share(oracle, ceiling, STUDIES).value == pytest.approx(1, abs=0.1)
    identity = score_halves(a, b, a, b, reference, WEIGHT)
    assert identity.r2 < oracle.r2
    assert identity.r2 == pytest.approx(2 * found.value - 1, abs=1e-12)
    assert r2_gain(oracle, identity, STUDIES).low > 0
    shrunken = reference + share * (a - reference), reference + share * (b - reference)
    assert score_halves(a, b, *shrunken, reference, WEIGHT).r2 == pytest.approx(share**2, abs=0.02)
    mean = np.broadcast_to(reference, a.shape)
    nothing = score_halves(a, b, mean, mean, reference, WEIGHT)
    assert nothing.r2 == pytest.approx(0, abs=1e-12)
    assert r2_share(nothing, ceiling, STUDIES).value == pytest.approx(0, abs=1e-12)


def test_noise_that_both_halves_share_counts_as_signal() -> None:
    _, a, b, reference, share = measured_twice(5, noise=0.7, shared=0.7)
    assert r2_interval(score_signal(a, b, reference, WEIGHT), STUDIES).low > share


def test_one_study_has_a_score_but_no_interval() -> None:
    _, a, b, reference, _ = measured_twice(9)
    ceiling = score_signal(a, b, reference, WEIGHT)
    alone = r2_interval(ceiling, ["S"] * len(STUDIES))
    assert alone.value == ceiling.r2
    assert np.isnan([alone.low, alone.high]).all()
    assert np.isnan(r2_share(ceiling, ceiling, ["S"] * len(STUDIES)).value)


def test_noise_alone_has_no_share_to_explain() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(2, len(STUDIES), N_GENES))
    zero = np.zeros(N_GENES)
    ceiling = score_signal(a, b, zero, WEIGHT)
    assert abs(ceiling.r2) < 0.02
    identity = score_halves(a, b, a, b, zero, WEIGHT)
    assert identity.r2 == pytest.approx(-1, abs=0.05)
    assert np.isnan(r2_share(identity, ceiling, STUDIES).value)


def test_both_ways_are_scored_on_the_entries_that_both_halves_have() -> None:
    _, a, b, reference, _ = measured_twice(7)
    rng = np.random.default_rng(8)
    of_a, of_b = rng.normal(size=(2, *a.shape))
    got = score_halves(a, b, of_a, of_b, reference, WEIGHT)
    seen = np.where(np.isnan(a) | np.isnan(b), 0, WEIGHT[:, None])
    error = np.nan_to_num(of_a - b) ** 2 + np.nan_to_num(of_b - a) ** 2
    square = np.nan_to_num(b - reference) ** 2 + np.nan_to_num(a - reference) ** 2
    assert got.r2 == pytest.approx(1 - (seen * error).sum() / (seen * square).sum())
    turned = score_halves(b, a, of_b, of_a, reference, WEIGHT)
    assert turned.r2 == pytest.approx(got.r2)
    ceiling = score_signal(a, b, reference, WEIGHT)
    np.testing.assert_array_equal(ceiling.count_of_row, got.count_of_row)
    np.testing.assert_allclose(ceiling.square_of_row, got.square_of_row)
    np.testing.assert_allclose(ceiling.square_of_gene, got.square_of_gene)
    blocks = [slice(0, 100), slice(100, None)]
    joined = join_scores(score_signal(a[at], b[at], reference, WEIGHT[at]) for at in blocks)
    assert joined.r2 == pytest.approx(ceiling.r2)
    with pytest.raises(ValueError, match="different entries"):
        r2_share(got, score_signal(a, a, reference, WEIGHT), STUDIES)

"""How sure a score is: the bootstrap over studies, and of the difference of two models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.evaluation.scores import Scores

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and the bounds between which `level` of its bootstrap values lie."""

    value: float
    low: float
    high: float


def r2_interval(
    scores: Scores, studies: Sequence[str], *, n: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """R² with its interval; contrasts of one study are drawn together, for they are not independent."""
    error, square = (_by_study(scores, sums, studies) for sums in _sums(scores))
    drawn = draw_studies(len(error), n, seed)
    return interval_of(scores.r2, 1 - (drawn @ error) / (drawn @ square), level)


def r2_gain(
    scores: Scores,
    other: Scores,
    studies: Sequence[str],
    *,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """R² of one model less that of another on the same entries, with the same studies drawn for both."""
    if not np.array_equal(scores.count_of_row, other.count_of_row):
        raise ValueError("the two models were scored on different entries; score both on the same")
    error, square = (_by_study(scores, sums, studies) for sums in _sums(scores))
    other_error = _by_study(other, other.error_of_row, studies)
    drawn = draw_studies(len(error), n, seed)
    gains = (drawn @ (other_error - error)) / (drawn @ square)
    return interval_of(scores.r2 - other.r2, gains, level)


def _sums(scores: Scores) -> tuple[Floats, Floats]:
    return scores.error_of_row, scores.square_of_row


def _by_study(scores: Scores, of_row: Floats, studies: Sequence[str]) -> Floats:
    _, place = np.unique(np.asarray(studies), return_inverse=True)
    return np.bincount(place, weights=of_row * scores.weight).astype(np.float64)


def draw_studies(n_studies: int, n: int, seed: int) -> Floats:
    """(n, studies) how often each study is drawn, with replacement."""
    shares = np.full(n_studies, 1 / n_studies)
    drawn: Floats = np.asarray(
        np.random.default_rng(seed).multinomial(n_studies, shares, size=n), np.float64
    )
    return drawn


def interval_of(value: float, values: Floats, level: float) -> Interval:
    """A value with the bounds that hold the middle `level` of its bootstrap values."""
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))

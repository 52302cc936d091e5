"""How sure a score is: the bootstrap over studies, and of the difference of two models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.evaluation.scores import Scores

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and the bounds between which `level` of its bootstrap values lie; NaN from a single study."""

    value: float
    low: float
    high: float


def r2_interval(
    scores: Scores, studies: Sequence[str], *, n: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """R² with its interval; contrasts of one study are drawn together, for they are not independent."""
    error, square = (_by_study(scores, sums, studies) for sums in _sums(scores))
    drawn = draw_studies(len(error), n, seed)
    return interval_of(scores.r2, 1 - (drawn @ error) / (drawn @ square), len(error), level)


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
    return interval_of(scores.r2 - other.r2, gains, len(error), level)


def r2_share(
    scores: Scores,
    ceiling: Scores,
    studies: Sequence[str],
    *,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """R² as a share of the ceiling on the same entries, with the same studies drawn for both.

    NaN where the ceiling's own interval does not lie above 0: there is nothing that could be explained.
    """
    if not np.array_equal(scores.count_of_row, ceiling.count_of_row):
        raise ValueError("the score and its ceiling are of different entries")
    if not r2_interval(ceiling, studies, n=n, level=level, seed=seed).low > 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    error, square = (_by_study(scores, sums, studies) for sums in _sums(scores))
    noise = _by_study(ceiling, ceiling.error_of_row, studies)
    drawn = draw_studies(len(error), n, seed)
    shares = (drawn @ (square - error)) / (drawn @ (square - noise))
    return interval_of(scores.r2 / ceiling.r2, shares, len(error), level)


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


def interval_of(value: float, values: Floats, n_studies: int, level: float) -> Interval:
    """A value and the ends of the middle `level` of its bootstrap values; NaN for one study alone."""
    if n_studies < 2:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))

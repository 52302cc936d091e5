"""How sure a score is: the bootstrap over studies, and of the difference of two models."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from model.evaluation.scores import Scores
from model.evaluation.study_sums import StudySums, sum_by_study

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
    found = mean_r2([sum_by_study(scores, studies)], n=n, level=level, seed=seed)
    # As the scores have it, to the last bit: the table and its interval say the same number.
    return replace(found, value=scores.r2)


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
    sums, others = sum_by_study(scores, studies), sum_by_study(other, studies)
    found = mean_gain([sums], [others], n=n, level=level, seed=seed)
    return replace(found, value=scores.r2 - other.r2)


def mean_r2(
    runs: Sequence[StudySums], *, n: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Mean R² of several trainings of one model, with its bootstrap interval over studies."""
    error, square = _mean_error(runs), np.array(runs[0].square)
    drawn = _draw_studies(len(square), n, seed)
    value = float(1 - error.sum() / square.sum())
    return _interval_of(value, 1 - (drawn @ error) / (drawn @ square), len(square), level)


def mean_gain(
    runs: Sequence[StudySums],
    other: Sequence[StudySums],
    *,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Mean R² of several trainings less that of another model; the same studies are drawn for both."""
    if runs[0].studies != other[0].studies or runs[0].count != other[0].count:
        raise ValueError("the two models were scored on different entries; score both on the same")
    saved, square = _mean_error(other) - _mean_error(runs), np.array(runs[0].square)
    drawn = _draw_studies(len(square), n, seed)
    value = float(saved.sum() / square.sum())
    return _interval_of(value, (drawn @ saved) / (drawn @ square), len(square), level)


def _mean_error(runs: Sequence[StudySums]) -> Floats:
    found: Floats = np.mean([run.error for run in runs], axis=0)
    return found


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
    sums, most = sum_by_study(scores, studies), sum_by_study(ceiling, studies)
    error, square, noise = (np.array(x) for x in (sums.error, sums.square, most.error))
    drawn = _draw_studies(len(error), n, seed)
    shares = (drawn @ (square - error)) / (drawn @ (square - noise))
    return _interval_of(scores.r2 / ceiling.r2, shares, len(error), level)


def _draw_studies(n_studies: int, n: int, seed: int) -> Floats:
    """(n, studies) how often each study is drawn, with replacement."""
    shares = np.full(n_studies, 1 / n_studies)
    drawn: Floats = np.asarray(
        np.random.default_rng(seed).multinomial(n_studies, shares, size=n), np.float64
    )
    return drawn


def _interval_of(value: float, values: Floats, n_studies: int, level: float) -> Interval:
    """A value and the ends of the middle `level` of its bootstrap values; NaN for one study alone."""
    if n_studies < 2:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))

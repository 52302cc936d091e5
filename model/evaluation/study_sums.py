"""Scores summed by study, small enough to be kept: intervals of models that were trained several times."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.evaluation.intervals import Interval, draw_studies, interval_of
from model.evaluation.scores import Scores

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class StudySums:
    """Weighted sums over the observed entries of each study.

    `studies` are sorted; `error` is the squared distance of the reconstruction, `square` that of the
    training mean, `count` the number of entries.
    """

    studies: tuple[str, ...]
    error: tuple[float, ...]
    square: tuple[float, ...]
    count: tuple[float, ...]

    @property
    def r2(self) -> float:
        """Share of the squared distance from the training mean that the reconstruction takes away."""
        square = sum(self.square)
        return 1 - sum(self.error) / square if square else float("nan")

    @property
    def mse(self) -> float:
        """Weighted mean squared error of an entry."""
        count = sum(self.count)
        return sum(self.error) / count if count else float("nan")


def sum_by_study(scores: Scores, studies: Sequence[str]) -> StudySums:
    """Sums of the rows of each study; `studies` is (row,)."""
    names, place = np.unique(np.asarray(studies), return_inverse=True)
    error, square, count = (
        tuple(np.bincount(place, weights=of_row * scores.weight).tolist())
        for of_row in (scores.error_of_row, scores.square_of_row, scores.count_of_row)
    )
    return StudySums(tuple(str(name) for name in names), error, square, count)


def mean_r2(
    runs: Sequence[StudySums], *, n: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Mean R² of several trainings of one model, with its bootstrap interval over studies."""
    error, square = _mean_error(runs), np.array(runs[0].square)
    drawn = draw_studies(len(square), n, seed)
    value = float(1 - error.sum() / square.sum())
    return interval_of(value, 1 - (drawn @ error) / (drawn @ square), len(square), level)


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
    drawn = draw_studies(len(square), n, seed)
    value = float(saved.sum() / square.sum())
    return interval_of(value, (drawn @ saved) / (drawn @ square), len(square), level)


def _mean_error(runs: Sequence[StudySums]) -> Floats:
    found: Floats = np.mean([run.error for run in runs], axis=0)
    return found

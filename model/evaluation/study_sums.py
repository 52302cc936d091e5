"""Scores summed by study: small enough to be kept, and what a bootstrap over studies draws from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.evaluation.scores import Scores


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

"""What a coder reaches on held-out contrasts: on the entries that it sees, and on entries hidden from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from model.baselines.copy_matrix import CopyMatrix
from model.baselines.matrix import Floats, Matrix, row_blocks
from model.evaluation.recall import hide_entries
from model.evaluation.scores import Scores, join_scores, score
from model.evaluation.study_sums import StudySums, sum_by_study
from model.fit_model import Task, copy_rows
from model.scaling import Scaling
from storage.split import Split

HEIGHT = 128
HIDDEN_SHARE = 0.1


class Coder(Protocol):
    """What reconstructs standardised rows, NaN where not observed."""

    def reconstruct(self, x: Floats) -> Floats:
        """(rows, genes) values to codes and back."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Contrasts that judge: (rows, genes) values, the training mean (genes,), weights and studies (row,)."""

    matrix: Matrix
    reference: Floats
    weight: Floats
    studies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Sums by study: over the entries that the coder saw, and over those that were hidden from it."""

    visible: StudySums
    hidden: StudySums


def held_out(task: Task, contrasts: np.ndarray) -> HeldOut:
    """These contrasts of the task's split, on its scale."""
    rows = copy_rows(task.copy, task.split, contrasts)
    return HeldOut(
        CopyMatrix(task.copy, rows, task.scaling),
        reference_of(task.split, task.scaling, task.copy.genes),
        task.split.weight[contrasts].astype(np.float64),
        tuple(task.split.studies[contrasts].tolist()),
    )


def reference_of(split: Split, scaling: Scaling, genes: tuple[str, ...]) -> Floats:
    """(selected genes,) the training mean in standardised units."""
    place = {gene: i for i, gene in enumerate(split.genes.tolist())}
    mean = split.mean[[place[gene] for gene in genes]]
    reference: Floats = ((mean - scaling.shift) * scaling.scale)[scaling.mask].astype(np.float32)
    return reference


def judge(coder: Coder, rows: HeldOut, *, hidden: float = HIDDEN_SHARE, seed: int = 0) -> Judgement:
    """Scores of one coder, by study."""
    return Judgement(
        sum_by_study(score_visible(coder, rows), rows.studies),
        sum_by_study(score_hidden(coder, rows, hidden, seed), rows.studies),
    )


def score_visible(coder: Coder, rows: HeldOut) -> Scores:
    """Scores of the entries that the coder sees."""
    return join_scores(
        score(x, coder.reconstruct(x), rows.reference, rows.weight[at])
        for at, x in row_blocks(rows.matrix, HEIGHT)
    )


def score_hidden(coder: Coder, rows: HeldOut, share: float, seed: int) -> Scores:
    """Scores of a share of the entries, which the coder does not see."""
    return join_scores(
        score(target, coder.reconstruct(shown), rows.reference, rows.weight[at])
        for at, shown, target in _hidden(rows.matrix, share, seed)
    )


def _hidden(matrix: Matrix, share: float, seed: int) -> Iterator[tuple[slice, Floats, Floats]]:
    for at, x in row_blocks(matrix, HEIGHT):
        yield at, *hide_entries(x, share, seed + at.start)

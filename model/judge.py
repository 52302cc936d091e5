"""What a coder reaches on held-out contrasts: on entries that it sees, on hidden ones, on other halves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from model.baselines.copy_matrix import CopyMatrix
from model.baselines.matrix import Floats, Matrix, row_blocks
from model.evaluation.halves import score_halves, score_signal
from model.evaluation.recall import hide_entries
from model.evaluation.scores import Scores, join_scores, score
from model.evaluation.study_sums import StudySums, sum_by_study
from model.scaling_rows import mean_of_rows
from model.task import Task, copy_rows, row_weights
from storage.halves import Halves
from storage.halves_schema import REPLICATE

HEIGHT = 128
HIDDEN_SHARE = 0.1


class Coder(Protocol):
    """What reconstructs standardised rows, NaN where not observed."""

    def reconstruct(self, x: Floats) -> Floats:
        """(rows, genes) values to codes and back."""


@dataclass(frozen=True, slots=True)
class HalfBlock:
    """Contrasts with both halves of one kind, (rows, genes) standardised; weights and studies (row,)."""

    a: Floats
    b: Floats
    weight: Floats
    studies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Contrasts that judge: (rows, genes) values, the training mean (genes,), weights and studies (row,).

    `replicates` are halves of those whose groups have replicates enough, a few rows each; empty: none made.
    """

    matrix: Matrix
    reference: Floats
    weight: Floats
    studies: tuple[str, ...]
    replicates: tuple[HalfBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Sums by study: over entries that the coder saw, over hidden ones, and over those of other replicates.

    `replicates` is None where no halves were made.
    """

    visible: StudySums
    hidden: StudySums
    replicates: StudySums | None = None


def held_out(task: Task, contrasts: np.ndarray, halves: Halves | None = None) -> HeldOut:
    """These contrasts of the task's split, on its scale, and halves of them."""
    rows = copy_rows(task.copy, task.split, contrasts)
    return HeldOut(
        CopyMatrix(task.copy, rows, task.scaling),
        reference_of(task),
        task.split.weight[contrasts].astype(np.float64),
        tuple(task.split.studies[contrasts].tolist()),
        tuple(half_blocks(task, halves, REPLICATE, contrasts)) if halves else (),
    )


def unknown_rows(task: Task, part: str) -> np.ndarray:
    """Numbers of the split's contrasts of a part, without those that fitted the model, if it is not `train`.

    A model that was trained on another split, or before `prepare --fresh`, may know some of them. On a split
    by component, it knows the whole component of each.
    """
    chosen = task.split.rows(part)
    if part == "train":
        return chosen
    known = task.training if part == "validation" else np.r_[task.training, task.validation]
    split = task.split
    if split.by == "component":
        ids = np.asarray(task.copy.contrasts)[known]
        components = split.component[np.isin(split.contrasts, ids)]
        return chosen[~np.isin(split.component[chosen], components)]
    return chosen[~np.isin(copy_rows(task.copy, split, chosen), known)]


def reference_of(task: Task) -> Floats:
    """(selected genes,) the mean of the rows that the model was trained on, in standardised units."""
    scaling, rows = task.scaling, task.training
    mean = mean_of_rows(task.copy, rows, row_weights(task)[rows], scaling.mask)
    shift, scale = scaling.shift[scaling.mask], scaling.scale[scaling.mask]
    # What was observed in no row, for a model of another compendium, is at its own centre.
    reference: Floats = (np.nan_to_num(mean - shift) * scale).astype(np.float32)
    return reference


def judge(coder: Coder, rows: HeldOut, *, hidden: float = HIDDEN_SHARE, seed: int = 0) -> Judgement:
    """Scores of one coder, by study."""
    return Judgement(
        sum_by_study(score_visible(coder, rows), rows.studies),
        sum_by_study(score_hidden(coder, rows, hidden, seed), rows.studies),
        _judge_halves(coder, rows),
    )


def ceiling_of(rows: HeldOut) -> StudySums | None:
    """What the truth itself would reach on the other replicates; None where no halves were made."""
    found = [score_signal(x.a, x.b, rows.reference, x.weight) for x in rows.replicates]
    return _sum_halves(found, rows) if found else None


def _judge_halves(coder: Coder, rows: HeldOut) -> StudySums | None:
    found = [
        score_halves(
            x.a, x.b, coder.reconstruct(x.a), coder.reconstruct(x.b), rows.reference, x.weight
        )
        for x in rows.replicates
    ]
    return _sum_halves(found, rows) if found else None


def _sum_halves(found: list[Scores], rows: HeldOut) -> StudySums:
    return sum_by_study(join_scores(found), [s for x in rows.replicates for s in x.studies])


def half_blocks(
    task: Task, halves: Halves, kind: str, contrasts: np.ndarray
) -> Iterator[HalfBlock]:
    """Those contrasts of the split that have halves of this kind, on the task's scale; a few rows at a time.

    A contrast without a learned gene that is observed in both halves is passed over.
    """
    genes = np.flatnonzero(task.scaling.mask)
    place = {gene: i for i, gene in enumerate(halves.genes.tolist())}
    columns = np.array([place[task.copy.genes[gene]] for gene in genes], np.int64)
    shift, scale = task.scaling.shift[genes], task.scaling.scale[genes]
    weight_of = dict(zip(task.split.contrasts.tolist(), task.split.weight.tolist(), strict=True))
    chosen = halves.rows(kind)
    chosen = chosen[np.isin(halves.contrasts[chosen], task.split.contrasts[contrasts])]
    for start in range(0, len(chosen), HEIGHT):
        rows = chosen[start : start + HEIGHT]
        a, b = ((half[:, columns] - shift) * scale for half in halves.read(kind, rows))
        shared = ~np.all(np.isnan(a) | np.isnan(b), axis=1)
        if shared.any():
            labels = halves.contrasts[rows[shared]].tolist()
            weight = np.array([weight_of[contrast] for contrast in labels])
            yield HalfBlock(
                a[shared], b[shared], weight, tuple(halves.studies[rows[shared]].tolist())
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

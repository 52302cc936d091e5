"""What the trainings of a sweep come to: one point for each place in it, beside the baselines there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from model.evaluation.intervals import Interval
from model.evaluation.study_sums import StudySums, mean_gain, mean_r2
from model.sweeps.baselines import BaselineResult
from model.sweeps.trial import TrialResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A model at one place of a sweep: the mean of its `trainings`, which differ by their seed.

    `r2` is over all entries of the judging contrasts, with its interval over studies; `hidden_r2` over
    entries hidden from the input; `seed_sd` is the standard deviation of R² between trainings (NaN: one);
    `gain` is R² less that of the best PCA of the same rank (None: there is none). Losses are the model's own.
    """

    model: str
    at: int
    group: str
    rank: int
    trainings: int
    mse: float
    r2: Interval
    hidden_r2: Interval
    seed_sd: float
    gain: Interval | None
    train_loss: float = float("nan")
    validation_loss: float = float("nan")
    parameters: int = 0


def summarise(
    trials: Iterable[TrialResult], baselines: Sequence[BaselineResult], name: str = "model"
) -> list[Point]:
    """Points of the model in the order of the sweep, then of the baselines; diverged trials are left out."""
    done = [trial for trial in trials if trial.judgement is not None]

    def place(trial: TrialResult) -> tuple[str, int, int]:
        return trial.group, trial.at, trial.rank

    points = []
    for (group, at, rank), several in groupby(sorted(done, key=place), place):
        runs = list(several)
        judged = [run.judgement for run in runs if run.judgement is not None]
        visible = [judgement.visible for judgement in judged]
        best = _best_pca(baselines, rank, visible[0])
        points.append(
            Point(
                model=name,
                at=at,
                group=group,
                rank=rank,
                trainings=len(runs),
                mse=float(np.mean([sums.mse for sums in visible])),
                r2=mean_r2(visible),
                hidden_r2=mean_r2([judgement.hidden for judgement in judged]),
                seed_sd=float(np.std([s.r2 for s in visible], ddof=1))
                if len(runs) > 1
                else float("nan"),
                gain=mean_gain(visible, [best]) if best is not None else None,
                train_loss=float(np.mean([run.train_loss for run in runs])),
                validation_loss=float(np.mean([run.validation_loss for run in runs])),
                parameters=runs[0].parameters,
            )
        )
    return points + [_baseline_point(result, baselines) for result in baselines]


def _baseline_point(result: BaselineResult, baselines: Sequence[BaselineResult]) -> Point:
    visible = result.judgement.visible
    best = _best_pca(baselines, result.rank, visible)
    return Point(
        model=result.model,
        at=result.rank if result.fold is None else result.fold,
        group="",
        rank=result.rank,
        trainings=1,
        mse=visible.mse,
        r2=mean_r2([visible]),
        hidden_r2=mean_r2([result.judgement.hidden]),
        seed_sd=float("nan"),
        gain=mean_gain([visible], [best]) if best is not None else None,
    )


def _best_pca(baselines: Sequence[BaselineResult], rank: int, like: StudySums) -> StudySums | None:
    """The best PCA of this rank, scored on the same entries."""
    found = [
        result.judgement.visible
        for result in baselines
        if result.model.startswith("PCA")
        and result.rank == rank
        and (result.judgement.visible.studies, result.judgement.visible.count)
        == (like.studies, like.count)
    ]
    return max(found, key=lambda sums: sums.r2, default=None)

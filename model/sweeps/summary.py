"""What the trainings of a sweep come to: one point for each place in it, beside the baselines there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from model.evaluation.intervals import Interval, mean_gain, mean_r2
from model.evaluation.study_sums import StudySums
from model.judge import Judgement
from model.score_model import STARTS
from model.sweeps.baselines import BaselineResult
from model.sweeps.trial import TrialResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A model at one place of a sweep: the mean of its `trainings`, which differ by their seed.

    Of `at_start` of them no epoch was better than the start, which is what is scored.
    `r2` is over all entries of the judging contrasts, with its interval over studies; `hidden_r2` over
    entries hidden from the input; `seed_sd` is the standard deviation of R² between trainings (NaN: one);
    `replicate_r2` is of other replicates, which share no noise with the input (None: no halves were made).
    `gain` and `replicate_gain` are R² less that of the best PCA of the same rank (None: there is none).
    Losses are the model's own. `how` says whether a PCA's components are exact ("": of others).
    """

    model: str
    at: int
    group: str
    rank: int
    trainings: int
    at_start: int
    mse: float
    r2: Interval
    hidden_r2: Interval
    replicate_r2: Interval | None
    seed_sd: float
    gain: Interval | None
    replicate_gain: Interval | None
    train_loss: float = float("nan")
    validation_loss: float = float("nan")
    parameters: int = 0
    how: str = ""


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
        points.append(
            Point(
                model=name,
                at=at,
                group=group,
                rank=rank,
                trainings=len(runs),
                at_start=sum(run.best_epoch < 0 for run in runs),
                seed_sd=float(np.std([s.r2 for s in visible], ddof=1))
                if len(runs) > 1
                else float("nan"),
                train_loss=float(np.mean([run.train_loss for run in runs])),
                validation_loss=float(np.mean([run.validation_loss for run in runs])),
                parameters=runs[0].parameters,
                **_scores(judged, rank, baselines),
            )
        )
    return points + [_baseline_point(result, baselines) for result in baselines]


def _baseline_point(result: BaselineResult, baselines: Sequence[BaselineResult]) -> Point:
    return Point(
        model=result.model,
        at=result.rank if result.fold is None else result.fold,
        group="",
        rank=result.rank,
        trainings=1,
        at_start=0,
        seed_sd=float("nan"),
        how=result.how,
        **_scores([result.judgement], result.rank, baselines),
    )


def _scores(
    judged: Sequence[Judgement], rank: int, baselines: Sequence[BaselineResult]
) -> dict[str, Any]:
    """The scores of a point: of several trainings of one model, each beside the best PCA there."""
    visible = [judgement.visible for judgement in judged]
    replicates = [j.replicates for j in judged if j.replicates is not None]
    found = [r for r in baselines if r.model.startswith("PCA") and r.rank == rank]
    # Beside the better of two PCAs: where one could not be fitted, there is nothing to stand beside.
    pcas = [r.judgement for r in found] if {r.model for r in found} >= {*STARTS} else []
    return {
        "mse": float(np.mean([sums.mse for sums in visible])),
        "r2": mean_r2(visible),
        "hidden_r2": mean_r2([judgement.hidden for judgement in judged]),
        "replicate_r2": mean_r2(replicates) if replicates else None,
        "gain": _gain(visible, [pca.visible for pca in pcas]),
        "replicate_gain": _gain(replicates, [pca.replicates for pca in pcas]),
    }


def _gain(runs: Sequence[StudySums], pcas: Sequence[StudySums | None]) -> Interval | None:
    """Mean R² less that of the best PCA on the same entries; None where there is none."""
    same = [
        pca
        for pca in pcas
        if pca and runs and (pca.studies, pca.count) == (runs[0].studies, runs[0].count)
    ]
    return mean_gain(runs, [max(same, key=lambda sums: sums.r2)]) if same else None

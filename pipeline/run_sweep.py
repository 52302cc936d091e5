"""A sweep on Dask: its trainings and baselines as tasks, each done once, and what they come to together."""

import json
import logging
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from distributed import Client

from model.evaluation.intervals import Interval, mean_r2
from model.judge import ceiling_of
from model.networks.settings import CodeTooWideError
from model.recipe import MODELS, Recipe
from model.sweeps.baselines import (
    BaselineKind,
    BaselineResult,
    BaselineTask,
    estimate_baselines,
    run_baselines,
)
from model.sweeps.plan import JUDGED, Trial, plan_trials
from model.sweeps.settings import Kind, SweepSettings
from model.sweeps.summary import Point, summarise
from model.sweeps.trial import (
    TrialResult,
    TrialTask,
    estimate_trial,
    judging,
    make_trial_task,
    run_trial,
)
from pipeline.inflight import results
from pipeline.progress import Progress, Report
from storage.disk import Disk
from storage.errors import InputError
from storage.files import Files
from storage.split import Split

log = logging.getLogger(__name__)

# Where the widths of the code are set, which a sweep sets in place of the network's own.
_CODES: dict[Kind, str] = {
    "neurons": "neurons in [sweep]",
    "layers": "those of units in [sweep], shared by the layers",
    "ranks": "ranks in [sweep]",
    "random": "code in [sweep.search]",
}

Item = TrialTask | BaselineTask


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """What a sweep came to: its points, its trials, and those without a result, with the reason.

    `ceiling` is the R² that the truth itself would reach on the other replicates; None: no halves were made.
    """

    name: str
    kind: Kind
    judged: str
    ceiling: Interval | None
    points: list[Point]
    trials: list[TrialResult]
    failed: dict[str, str]


def run_sweep(
    disk: Files,
    workspace: Path,
    client: Client,
    report: Report,
    name: str,
    kind: Kind,
    recipe: Recipe,
    settings: SweepSettings,
    split: Split,
    *,
    task_memory: int | None = None,
    resources: dict[str, float] | None = None,
) -> Swept:
    """Do what is left of a sweep, and write `models/NAME/sweep-KIND.json`.

    A trial that diverges, or whose worker dies, is told of, and the others go on. The latter is tried again
    by the next run. `task_memory` is how many bytes a task may take; None: nobody can tell. `resources` are
    what a worker must have free for one item, such as a GPU.

    Raises
    ------
    InputError
        A trial or baseline can't fit into a worker's memory, or the recipe can't be swept like this.
    """
    # A fold is a component's, so that a split of few has some that hold nothing.
    folds = [fold for fold in range(int(split.fold.max()) + 1) if len(split.fold_rows(fold)[1])]
    planned = plan_trials(kind, recipe, settings, folds)
    if JUDGED[kind] != "fold" and not len(split.rows(JUDGED[kind])):
        raise InputError(
            f"the split has no {JUDGED[kind]} contrast, by which this sweep is judged; give [prepare.split] "
            "other shares"
        )
    trials = [
        TrialTask(
            disk=disk,
            workspace=workspace,
            sweep=name,
            generation=split.generation,
            split=split.store,
            trial=trial,
            judged=JUDGED[kind],
        )
        for trial in planned
    ]
    baseline_items = _baselines(trials, planned)
    _check_fits(trials, baseline_items, kind, split, task_memory)
    items: list[Item] = [*baseline_items, *trials]
    found: list[TrialResult] = []
    baselines: list[BaselineResult] = []
    failed: dict[str, str] = {}
    counted, known = Counter[str](), 0
    report(Progress(stage="sweep", done=0, total=len(items)))
    found_results = results(client, run_item, items, resources=resources)
    for done, (item, result) in enumerate(found_results, start=1):
        what = item.trial.name if isinstance(item, TrialTask) else _baselines_name(item)
        if isinstance(result, BaseException):
            failed[what] = repr(result)
        elif isinstance(result, list):
            baselines += result
        else:
            found.append(result)
            known += result.known
            if result.status != "done":
                failed[what] = result.message
        counted = Counter({"failed": len(failed)} if failed else {})
        report(Progress(stage="sweep", done=done, total=len(items), known=known, refused=counted))
    order = {trial.name: i for i, trial in enumerate(planned)}
    found.sort(key=lambda trial: order[trial.name])
    baselines.sort(key=lambda result: (result.model, result.rank, result.fold or 0))
    swept = Swept(
        name=name,
        kind=kind,
        judged=JUDGED[kind],
        ceiling=_ceiling(trials[0], split),
        points=summarise(found, baselines),
        trials=found,
        failed=dict(sorted(failed.items())),
    )
    told = {**asdict(swept), "split": split.store, "generation": split.generation}
    Disk(workspace).put(f"{MODELS}/{name}/sweep-{kind}.json", json.dumps(told, indent=1).encode())
    log.info("%s: %d trainings, %d of them before, %d failed", name, len(found), known, len(failed))
    return swept


def run_item(item: Item) -> TrialResult | list[BaselineResult]:
    """One task of a sweep."""
    return run_trial(item) if isinstance(item, TrialTask) else run_baselines(item)


def _baselines_name(item: BaselineTask) -> str:
    ranks = ", ".join(map(str, item.ranks))
    without = "" if item.fold is None else f" without fold {item.fold}"
    return f"{item.kind} baselines of rank {ranks}{without}"


def _ceiling(item: TrialTask, split: Split) -> Interval | None:
    task = make_trial_task(item, split)
    found = ceiling_of(judging(item, task, item.trial.fold))
    return mean_r2([found]) if found else None


def _baselines(trials: list[TrialTask], planned: list[Trial]) -> list[BaselineTask]:
    """Projections of all ranks together, and PCA of observed entries of each rank; for each fold."""
    ranks = tuple(sorted({trial.recipe.network.code for trial in planned}))
    folds = sorted({trial.fold for trial in planned}, key=lambda fold: fold or 0)
    first = trials[0]
    by_kind: list[tuple[BaselineKind, tuple[int, ...]]] = [("projections", ranks)]
    by_kind += [("observed", (rank,)) for rank in ranks]
    return [
        BaselineTask(
            disk=first.disk,
            workspace=first.workspace,
            sweep=first.sweep,
            generation=first.generation,
            split=first.split,
            kind=kind,
            ranks=of_ranks,
            judged=first.judged,
            fold=fold,
        )
        for fold in folds
        for kind, of_ranks in by_kind
    ]


def _check_fits(
    trials: list[TrialTask],
    baselines: list[BaselineTask],
    kind: Kind,
    split: Split,
    task_memory: int | None,
) -> None:
    """Refuse a sweep with a trial that can't be trained, or a task that a worker's limit would kill."""
    # Each is estimated whatever the limit: what no network can be is refused there. This machine trains none.
    by_need = [(_estimate(item, kind, split), f"the trial {item.trial.name}") for item in trials]
    by_need += [
        (estimate_baselines(item, split), f"fitting the {_baselines_name(item)}")
        for item in baselines
    ]
    needed, largest = max(by_need)
    if task_memory is not None and needed > task_memory:
        raise InputError(
            f"{largest} needs {needed / 2**30:.1f} GiB, and a task on these machines "
            f"has {task_memory / 2**30:.1f}; raise memory_gib of the cluster's profile, with fewer "
            "workers, or lower the largest value in [sweep]"
        )


def _estimate(item: TrialTask, kind: Kind, split: Split) -> int:
    try:
        return estimate_trial(item, split)
    except CodeTooWideError as error:
        if kind not in _CODES:
            raise
        raise InputError(
            f"the trial {item.trial.name}: {error}. The codes of this sweep are {_CODES[kind]}"
        ) from error

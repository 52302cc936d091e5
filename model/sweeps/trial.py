"""One training of a sweep, done once: trained, judged, and kept as a small JSON beside its metrics."""

import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from model.estimate_task import estimate_task
from model.evaluation.study_sums import StudySums
from model.fit_model import fit_model
from model.judge import HeldOut, Judgement, held_out, judge
from model.networks.autoencoder import count_parameters
from model.recipe import MODELS
from model.score_model import NetworkCoder
from model.sweeps.plan import Judged, Trial
from model.task import Task, make_task
from model.training.loop import DivergedError
from storage.compile_halves import halves_store
from storage.disk import Disk
from storage.errors import StoreError
from storage.files import Files
from storage.generation import manifest_key
from storage.halves import read_halves
from storage.hashing import hash_json
from storage.only_one import only_one
from storage.split import Split, read_split

_CURE = (
    "set a lower learning_rate in [train.fit], or for a random search in [sweep.search] (a preset reads "
    "neither), or look for extreme values"
)
# Bump when the same trial would come out otherwise.
TRIAL_VERSION = 2


class Judging(Protocol):
    """A task that scores: where the compendium is, and on what."""

    @property
    def disk(self) -> Files: ...

    @property
    def judged(self) -> Judged: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialTask:
    """A trial of the sweep `sweep` of a workspace, and the part of the split that judges it."""

    disk: Files
    workspace: Path
    sweep: str
    generation: str
    split: str
    trial: Trial
    judged: Judged


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialResult:
    """What a trial came to.

    `status` is "done", or "diverged" with a message, and then nothing else is known. Losses are those of the
    best epoch, in standardised units; where no epoch was better than the start, `best_epoch` is −1 and
    `train_loss` NaN. `known` says that it was there already.
    """

    name: str
    at: int
    group: str
    seed: int
    rank: int
    parameters: int
    status: str
    message: str = ""
    epochs: int = 0
    best_epoch: int = -1
    train_loss: float = float("nan")
    validation_loss: float = float("nan")
    judgement: Judgement | None = None
    seconds: float = 0.0
    known: bool = False


def run_trial(item: TrialTask) -> TrialResult:
    """Train and judge a trial, going on from its last checkpoint, or find it done already.

    Its checkpoints are deleted when its result is written: a sweep of many would fill the disk. A worker
    that retires is not done with the task that it hands on: whoever gets it waits until that one is, or is
    gone.
    """
    local = Disk(item.workspace)
    task = make_trial_task(item, read_split(item.disk, item.split, item.generation))
    key = f"{task.folder.relative_to(item.workspace)}/result.json"
    if (found := _read(local, key)) is not None:
        return found
    with only_one(task.folder):
        # Who was waited for may have ended.
        return _read(local, key) or _train(item, task, local, key)


def _train(item: TrialTask, task: Task, local: Disk, key: str) -> TrialResult:
    started = time.perf_counter()
    try:
        fit_model(task)
    except DivergedError as error:
        result = _result(item.trial, task, status="diverged", message=f"{error.what}; {_CURE}")
    else:
        result = _judged(item, task)
    result = replace(result, seconds=round(time.perf_counter() - started, 3))
    local.put(key, json.dumps(asdict(result), indent=1).encode())
    shutil.rmtree(task.checkpoints.folder, ignore_errors=True)
    return result


def estimate_trial(item: TrialTask, split: Split) -> int:
    """Bytes that a trial takes, device and host together, wherever it is trained."""
    return estimate_task(make_trial_task(item, split), sys.maxsize).total_bytes


def make_trial_task(item: TrialTask, split: Split) -> Task:
    """The training of a trial, in a folder of its own for other settings, data or version."""
    task = make_task(
        item.disk, item.workspace, item.sweep, split, item.trial.recipe, item.trial.fold
    )
    identity = asdict(task.identity)
    free = [task.recipe.fit.epochs, task.recipe.fit.stop_after]
    halves = halves_digest(item, split)
    sha256 = hash_json([TRIAL_VERSION, identity, free, item.judged, halves])
    folder = item.workspace / MODELS / item.sweep / "trials" / f"{item.trial.name}-{sha256[:8]}"
    return replace(task, folder=folder)


def judging(item: Judging, task: Task, fold: int | None) -> HeldOut:
    """The contrasts that judge: a held-out fold, or a part of the split and its halves, if they were made."""
    if item.judged == "fold":
        assert fold is not None
        return held_out(task, task.split.fold_rows(fold)[1])
    halves = read_halves(item.disk, task.split, item.judged)
    return held_out(task, task.split.rows(item.judged), halves)


def halves_digest(item: Judging, split: Split) -> str | None:
    """What tells the halves of the judging part from others; None where none were made."""
    store = halves_store(split.store, item.judged)
    return item.disk.sha256(manifest_key(split.generation, store))


def _judged(item: TrialTask, task: Task) -> TrialResult:
    checkpoint, newest = task.checkpoints.best(), task.checkpoints.newest()
    assert checkpoint is not None
    assert newest is not None
    rows = judging(item, task, item.trial.fold)
    progress = newest.progress
    lines = task.metrics.read()
    epochs = [
        line for line in lines if line.get("epoch") == progress.best_epoch and "train_loss" in line
    ]
    return replace(
        _result(item.trial, task, status="done"),
        epochs=progress.epoch,
        best_epoch=progress.best_epoch,
        train_loss=float(epochs[-1]["train_loss"]) if epochs else float("nan"),
        validation_loss=progress.best_loss,
        judgement=judge(NetworkCoder.restored(task, checkpoint), rows),
    )


def _result(trial: Trial, task: Task, **told: Any) -> TrialResult:
    network = task.recipe.network
    return TrialResult(
        name=trial.name,
        at=trial.at,
        group=trial.group,
        seed=task.recipe.fit.seed,
        rank=network.code,
        parameters=count_parameters(network, int(task.scaling.mask.sum())),
        **told,
    )


def _read(disk: Disk, key: str) -> TrialResult | None:
    data = disk.read(key)
    if data is None:
        return None
    try:
        fields = json.loads(data)
        if fields["judgement"] is not None:
            fields["judgement"] = read_judgement(fields["judgement"])
        return TrialResult(**{**fields, "known": True})
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"{disk.path(key)} is damaged; delete it to train this trial again"
        ) from error


def read_judgement(fields: dict[str, Any]) -> Judgement:
    """A judgement from its JSON."""
    return Judgement(
        **{
            name: sums and StudySums(**{key: tuple(values) for key, values in sums.items()})
            for name, sums in fields.items()
        }
    )

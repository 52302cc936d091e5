"""The baselines of a sweep at each of its ranks: each component found once, and cut to the ranks."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from model.baselines.copy_matrix import CopyMatrix
from model.baselines.observed_pca import (
    ObservedPcaSettings,
    fit_observed_pca,
    observed_pca_bytes,
)
from model.baselines.pca import PcaSettings, fit_pca, pca_bytes
from model.baselines.projection import mean_only, random_projection
from model.judge import Coder, HeldOut, Judgement, judge
from model.networks.settings import LINEAR_NETWORK
from model.recipe import MODELS, Recipe
from model.sweeps.plan import Judged
from model.sweeps.trial import halves_digest, judging, read_judgement
from model.task import Task, make_task
from model.training.estimate import PROCESS_BYTES
from model.training.settings import TrainSettings
from storage.disk import Disk
from storage.errors import StoreError
from storage.files import Files
from storage.hashing import hash_json
from storage.split import Split, read_split

BaselineKind = Literal["projections", "observed"]

# Baselines need a task's data and scale, whatever would be trained on it.
_ANY = Recipe(network=replace(LINEAR_NETWORK, code=1), fit=TrainSettings(batch_size=1))
BASELINE_VERSION = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineTask:
    """Baselines of a sweep, fitted without the held-out fold if there is one.

    `kind` "projections" are mean, random and PCA with zeros for the missing, at all `ranks`; "observed" is
    PCA on observed entries.
    """

    disk: Files
    workspace: Path
    sweep: str
    generation: str
    split: str
    kind: BaselineKind
    ranks: tuple[int, ...]
    judged: Judged
    fold: int | None = None


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """What one baseline of one rank reaches; `how` says whether a PCA is exact ("": of others)."""

    model: str
    rank: int
    fold: int | None
    judgement: Judgement
    how: str = ""


def run_baselines(item: BaselineTask) -> list[BaselineResult]:
    """Fit and judge baselines, or find them done already; a rank that the rows don't allow is left out."""
    local = Disk(item.workspace)
    task = make_task(
        item.disk,
        item.workspace,
        item.sweep,
        read_split(item.disk, item.split, item.generation),
        _ANY,
        item.fold,
    )
    config = task.identity.config
    data = {name: config.get(name) for name in ("split", "copy", "fold", *task.trained_on.hashes())}
    halves = halves_digest(item, task.split)
    told = [BASELINE_VERSION, item.generation, data, item.kind, item.ranks, item.judged, halves]
    key = f"{MODELS}/{item.sweep}/baselines/{item.kind}-{hash_json(told)[:8]}.json"
    content = local.read(key)
    if content is not None:
        try:
            return [
                BaselineResult(**{**fields, "judgement": read_judgement(fields["judgement"])})
                for fields in json.loads(content)
            ]
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{local.path(key)} is damaged; delete it to fit it again") from error
    rows = judging(item, task, item.fold)
    found = [
        BaselineResult(name, rank, item.fold, judge(coder, rows), how)
        for name, rank, coder, how in _coders(item, task, rows)
    ]
    local.put(key, json.dumps([asdict(result) for result in found]).encode())
    return found


def estimate_baselines(item: BaselineTask, split: Split) -> int:
    """Bytes that fitting them takes at most; as with no fold held out, which is a little more."""
    n_rows, n_genes = len(split.rows("train")), int(split.selected.sum())
    rank = max((rank for rank in item.ranks if rank <= min(n_rows - 1, n_genes)), default=0)
    if not rank:
        return 0
    largest = pca_bytes(n_rows, n_genes, rank, PcaSettings())
    if item.kind == "observed":
        observed = observed_pca_bytes(n_rows, n_genes, rank, ObservedPcaSettings())
        largest = max(largest, observed)
    return largest + PROCESS_BYTES


def _coders(item: BaselineTask, task: Task, rows: HeldOut) -> Iterator[tuple[str, int, Coder, str]]:
    """Name, rank, coder, and how its components were found."""
    training = CopyMatrix(task.copy, task.training, task.scaling)
    n_rows, n_genes = training.shape
    allowed = [rank for rank in item.ranks if rank <= min(n_rows - 1, n_genes)]
    if item.kind == "observed":
        for rank in allowed:
            yield "PCA, observed entries", rank, fit_observed_pca(training, rank), ""
        return
    yield "mean", 0, mean_only(rows.reference), ""
    zero = np.zeros(n_genes, np.float32)
    for rank in item.ranks:
        if rank <= n_genes:
            yield "random", rank, random_projection(zero, rank, 0), ""
    if allowed:
        whole = fit_pca(training, max(allowed))
        for rank in allowed:
            pca = whole.truncated(rank)
            yield "PCA, zeros for missing", rank, pca.projection, whole.told()
            yield "PCA, shrunken", rank, pca.shrunken(), whole.told()

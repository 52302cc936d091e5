"""The stage of halves on Dask: held-out contrasts twice over, into one more store of their generation."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from distributed import Client

from pipeline.inflight import results
from pipeline.memory import why_too_large
from pipeline.progress import Progress, Report
from pipeline.stages.deal_halves import MIN_SAMPLES
from pipeline.stages.halve_study import (
    HALVES_VERSION,
    HalvesReceipt,
    HalvesTask,
    fetch_to_halve,
    halve_planned,
)
from pipeline.stages.record import unknown_failure
from pipeline.stages.task import make_tasks
from pipeline.workspace import Workspace
from pipeline.write_shards import write_all_shards
from storage.compile_halves import (
    LAYOUT,
    halves_store,
    plan_halves,
    publish_halves,
)
from storage.errors import InputError
from storage.generation import FOLDER, clear_builds, read_manifest
from storage.genes import GeneList
from storage.halves_parts import FOLDER as HALVES_PARTS
from storage.halves_parts import halves_part_key
from storage.halves_schema import KINDS
from storage.layout import Layout
from storage.lease import Lease
from storage.open import contrasts_of, open_compendium, samples_of
from storage.split import Split

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Halved:
    """What the stage came to.

    The studies of the part have `contrasts` in all; a split by row has some of them in other parts. Of each
    kind, `kinds` has the contrasts and studies with halves, and the contrasts left out, by reason.
    `known` studies were done before; `failed` are those without a result, with the message.
    """

    studies: int
    known: int
    contrasts: int
    kinds: dict[str, dict[str, Any]]
    failed: dict[str, str]
    address: str
    new: bool


def run_halves(
    workspace: Workspace,
    genes: GeneList,
    client: Client,
    lease: Lease,
    report: Report,
    split: Split,
    part: str,
    *,
    layout: Layout = LAYOUT,
    rebuild: bool = False,
    task_memory: int | None = None,
) -> Halved:
    """Analyse the studies of one part of a split twice over, one task each, and publish both halves.

    Parameters
    ----------
    task_memory
        Bytes that a task may take; a study whose analysis takes more has no halves.

    Raises
    ------
    InputError
        The part is empty, the gene list is another one, or no study could be analysed again.
    """
    disk = workspace.disk
    rows = split.rows(part)
    if not len(rows):
        raise InputError(f"{split.store} has no contrast in {part}; there is nothing to halve")
    manifest = read_manifest(disk, split.generation)
    if manifest.gene_list_sha256 != genes.sha256:
        raise InputError(
            f"{split.generation} was compiled on another gene list; run `dexome run` first"
        )
    disk.sweep("parts/halves")
    by_study = {task.study: task for task in make_tasks(workspace.root, workspace.config, genes)}
    studies = sorted(set(split.studies[rows].tolist()))
    failed = {study: "it is no longer in the source" for study in studies if study not in by_study}
    tasks = [
        HalvesTask(task=by_study[study], part=manifest.parts[study]["key"])
        for study in studies
        if study in by_study
    ]
    too_large = _too_large(workspace, split.generation, tasks, len(genes), task_memory)
    failed |= too_large
    tasks = [item for item in tasks if item.task.study not in too_large]
    ahead = fetch_to_halve if workspace.config.source.is_remote else None
    receipts = _halve_all(client, tasks, report, ahead)
    failed |= {receipt.study: receipt.failed for receipt in receipts if receipt.failed}
    done = sorted((r for r in receipts if not r.failed), key=lambda receipt: receipt.study)
    if not done:
        study, message = sorted(failed.items())[0]
        raise InputError(f"none of {len(studies)} studies has halves: {study}: {message}")
    store = halves_store(split.store, part)
    build = plan_halves(
        disk,
        split.generation,
        store,
        list(zip(split.contrasts[rows].tolist(), split.studies[rows].tolist(), strict=True)),
        split.genes.tolist(),
        {receipt.study: receipt.key for receipt in done},
        failed,
        {
            "split": split.store,
            "part": part,
            "halves_version": HALVES_VERSION,
            "min_samples": MIN_SAMPLES,
        },
        layout=layout,
        rebuild=rebuild,
    )
    clear_builds(disk, FOLDER, build.building if build else None)
    if build is not None:
        written = write_all_shards(disk, client, build.tasks, store, "assemble", report)
        publish_halves(disk, build, written, lease)
        log.info("published %s of %s", store, split.generation)
    return Halved(
        studies=len(studies),
        known=sum(receipt.known for receipt in done),
        contrasts=int(np.isin(split.studies, studies).sum()),
        kinds={kind: _sum_up(done, kind) for kind in KINDS},
        failed=failed,
        address=disk.address(f"{FOLDER}/{split.generation}/{store}"),
        new=build is not None,
    )


def _too_large(
    workspace: Workspace,
    generation: str,
    tasks: list[HalvesTask],
    n_genes: int,
    task_memory: int | None,
) -> dict[str, str]:
    """The studies without halves yet that a task has too little memory for, and why.

    A half has half of the samples or counts, but the study is read as a whole.
    """
    if task_memory is None:
        return {}
    there = set(workspace.disk.list(HALVES_PARTS))
    tree = open_compendium(workspace.disk, generation, beside="")
    samples, contrasts = (
        Counter(dataset["study"].values.tolist())
        for dataset in (samples_of(tree), contrasts_of(tree))
    )
    found = {
        item.task.study: why_too_large(
            samples[item.task.study], n_genes, contrasts[item.task.study], task_memory
        )
        for item in tasks
        if halves_part_key(item.task.study, item.key) not in there
    }
    return {study: why for study, why in found.items() if why}


def _halve_all(
    client: Client,
    tasks: list[HalvesTask],
    report: Report,
    ahead: Callable[[HalvesTask], None] | None,
) -> list[HalvesReceipt]:
    receipts: list[HalvesReceipt] = []
    known = 0
    report(Progress(stage="halve", done=0, total=len(tasks)))
    for item, result in results(client, halve_planned, tasks, ahead=ahead):
        if isinstance(result, BaseException):
            # The worker did not live to tell.
            message = unknown_failure(result).message
            result = HalvesReceipt(study=item.task.study, key=item.key, failed=message)
        receipts.append(result)
        known += result.known
        n_failed = sum(bool(receipt.failed) for receipt in receipts)
        refused = Counter({"failed": n_failed} if n_failed else {})
        done = len(receipts)
        report(Progress(stage="halve", done=done, total=len(tasks), known=known, refused=refused))
    log.info("halved %d studies, %d of them before", len(receipts), known)
    return receipts


def _sum_up(receipts: list[HalvesReceipt], kind: str) -> dict[str, Any]:
    left_out = Counter[str]()
    for receipt in receipts:
        left_out.update(receipt.reasons[kind])
    halved = [receipt.halved[kind] for receipt in receipts]
    return {
        "contrasts": sum(halved),
        "studies": sum(n > 0 for n in halved),
        "left_out": dict(sorted(left_out.items())),
    }

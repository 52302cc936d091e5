"""The stages on Dask: plan, analyse, compile; the only place that knows both a client and a stage."""

import importlib.metadata
import json
import logging
from collections import Counter
from difflib import get_close_matches
from typing import Any

from distributed import Client

from pipeline.dea.settings import ENGINE_VERSION
from pipeline.inflight import results
from pipeline.memory import analysis_bytes, enough_gib, gib, shard_bytes, why_too_large
from pipeline.plan import Plan, plan_inputs, write_plan
from pipeline.progress import Progress, Report
from pipeline.share import Share
from pipeline.stages.analyse_study import (
    AnalysisReceipt,
    AnalysisTask,
    analyse_planned,
    fetch_to_analyse,
    record_lost,
    record_too_large,
)
from pipeline.stages.begun import analyse_counted
from pipeline.stages.plan_study import fetch_to_plan, plan_study, record_failure
from pipeline.stages.record import PlanRecord, outcome_key, read_outcome
from pipeline.stages.task import make_tasks
from pipeline.workspace import Workspace
from pipeline.write_shards import write_all_shards
from storage.compile import (
    Build,
    StudyEntry,
    adopt_generation,
    begin_build,
    plan_build,
    publish_build,
)
from storage.concurrent import map_concurrently
from storage.errors import InputError
from storage.generation import Current, read_current
from storage.genes import GeneList
from storage.layout import Layout
from storage.lease import Lease
from storage.parts import FOLDER as PARTS
from storage.parts import part_key

log = logging.getLogger(__name__)

_SHOWN = 10


def run_plan(
    workspace: Workspace, genes: GeneList, client: Client, lease: Lease, report: Report
) -> Plan:
    """Plan every study of the source, one task each, and write the plan; the caller holds the lease."""
    disk = workspace.disk
    disk.sweep("")
    tasks = make_tasks(workspace.root, workspace.config, genes)
    if not tasks:
        raise InputError(_no_study(workspace))
    _tell_unknown_designs(workspace, [task.study for task in tasks])
    receipts, refused, known = [], Counter[str](), 0
    ahead = fetch_to_plan if workspace.config.source.is_remote else None
    report(Progress(stage="plan", done=0, total=len(tasks)))
    for task, result in results(client, plan_study, tasks, ahead=ahead):
        receipt = record_failure(task, result) if isinstance(result, BaseException) else result
        receipts.append(receipt)
        known += receipt.known
        if receipt.refused:
            refused[receipt.refused] += 1
        report(
            Progress(
                stage="plan", done=len(receipts), total=len(tasks), known=known, refused=refused
            )
        )
    lease.check()
    plan = write_plan(
        disk, plan_inputs(workspace.config, genes), [receipt.record for receipt in receipts]
    )
    log.info("planned %d studies, %d of them in", len(plan.records), len(plan.planned))
    return plan


def run_analyse(
    workspace: Workspace,
    genes: GeneList,
    plan: Plan,
    client: Client | None,
    report: Report,
    *,
    share: Share | None = None,
    task_memory: int | None = None,
) -> list[AnalysisReceipt]:
    """Analyse every planned study, one task each; what has a part already is only verified.

    Parameters
    ----------
    client
        None: the studies are analysed in this process.
    share
        Only the studies of this share.
    task_memory
        Bytes that a task may take; a study that takes more, as far as its plan tells, is set aside.
    """
    workspace.disk.sweep("parts/dea")
    by_study = {task.study: task for task in make_tasks(workspace.root, workspace.config, genes)}
    records = [
        record
        for record in plan.planned
        if record.study in by_study and (share is None or share.has(record.study))
    ]
    items, receipts = [], []
    there = set(workspace.disk.list(PARTS))
    for record in records:
        done = part_key(record.study, record.part) in there
        new = not done and outcome_key(record.study, record.part) not in there
        item = AnalysisTask(task=by_study[record.study], part=record.part, new=new)
        sizes = len(record.samples), len(genes), len(record.contrasts)
        if why := "" if done else why_too_large(*sizes, task_memory):
            receipts.append(record_too_large(item, why))
        else:
            items.append(item)
    refused, known, total = Counter(r.reason for r in receipts), 0, len(records)
    ahead = fetch_to_analyse if workspace.config.source.is_remote else None
    report(Progress(stage="analyse", done=len(receipts), total=total, refused=refused))
    analyse = analyse_counted if client is None else analyse_planned
    for item, result in results(client, analyse, items, ahead=ahead):
        receipt = record_lost(item, result) if isinstance(result, BaseException) else result
        receipts.append(receipt)
        known += receipt.known
        log.debug("%s", receipt)
        if receipt.reason:
            refused[receipt.reason] += 1
        report(
            Progress(stage="analyse", done=len(receipts), total=total, known=known, refused=refused)
        )
    log.info("analysed %d studies, %d of them before", len(receipts), known)
    return receipts


def run_compile(
    workspace: Workspace,
    genes: GeneList,
    plan: Plan,
    client: Client,
    lease: Lease,
    report: Report,
    *,
    layout: Layout | None = None,
    rebuild: bool = False,
    task_memory: int | None = None,
) -> tuple[Current, bool]:
    """Compile the parts of a plan into a generation and publish it; the caller holds the lease.

    Parameters
    ----------
    task_memory
        Bytes that a task may take.

    Returns
    -------
    current, new
        The newest generation, and whether it was published just now: one that would hold the same is not.

    Raises
    ------
    InputError
        Planned studies are not analysed, or a shard is too large for a task's memory.
    """
    disk = workspace.disk
    disk.sweep("compendium")
    attributes = {
        "config": json.dumps(workspace.config.scientific(), sort_keys=True),
        "engine_version": ENGINE_VERSION,
        "dexome_version": importlib.metadata.version("dexome"),
    }
    entries = _entries(workspace, plan)
    build = plan_build(disk, genes, entries, attributes, layout=layout, rebuild=rebuild)
    if build is None:
        current = read_current(disk)
        assert current is not None
        return current, False
    if not rebuild and (adopted := adopt_generation(disk, build, lease)):
        return adopted, True
    _check_memory(build, task_memory)
    begin_build(disk, build)
    receipts = write_all_shards(disk, client, build.tasks, build.generation, "compile", report)
    current = publish_build(disk, build, receipts, lease)
    log.info("published %s: %d contrasts", current.generation, len(build.contrasts))
    return current, True


def _tell_unknown_designs(workspace: Workspace, studies: list[str]) -> None:
    """Warn of designs that no study has: most likely a name is misspelt."""
    for study in sorted(workspace.config.studies.keys() - set(studies)):
        near = get_close_matches(study, studies, n=1)
        log.warning(
            "there is a design of %s, which the source has not%s",
            study,
            f"; did you mean {near[0]}?" if near else "",
        )


def _no_study(workspace: Workspace) -> str:
    source = workspace.config.source
    if source.kind == "folder":
        return f"{source.place} holds no study: one sub-folder for each is needed"
    return "DEE2 has no project of these accessions; mend accessions in [source]"


def _check_memory(build: Build, task_memory: int | None) -> None:
    """Refuse to begin what a task has too little memory for."""
    for task in build.tasks:
        needs = shard_bytes(task.block_bytes)
        if task_memory is not None and needs > task_memory:
            raise InputError(
                f"a shard of {len(task.rows)} rows x {len(build.genes)} genes takes about {gib(needs)} to "
                f"write, and a task of this cluster has {gib(task_memory)}; give the workers "
                f"{enough_gib(needs)}, or choose another cluster"
            )


def largest_task(plan: Plan, n_genes: int) -> tuple[str, int]:
    """The planned study whose analysis takes the most memory, and its bytes; none: an empty name."""
    sizes = ((record.study, _bytes_of(record, n_genes)) for record in plan.planned)
    return max(sizes, key=lambda found: found[1], default=("", 0))


def _bytes_of(record: PlanRecord, n_genes: int) -> int:
    return analysis_bytes(len(record.samples), n_genes, len(record.contrasts))


def _entries(workspace: Workspace, plan: Plan) -> list[StudyEntry]:
    """What the compendium says of every study of the plan."""
    there = set(workspace.disk.list(PARTS))
    found = map_concurrently(lambda record: _entry(workspace, record, there), plan.records)
    entries = {record.study: entry for record, entry in zip(plan.records, found, strict=True)}
    if missing := [study for study, entry in entries.items() if entry is None]:
        told = ", ".join(missing[:_SHOWN]) + (" …" if len(missing) > _SHOWN else "")
        raise InputError(
            f"{len(missing)} of {len(plan.planned)} planned studies have no result yet: {told}; run "
            "`dexome analyse`, or the jobs of the array that have them (`dexome analyse --part J/N`)"
        )
    return [entry for entry in entries.values() if entry is not None]


def _entry(workspace: Workspace, record: PlanRecord, there: set[str]) -> StudyEntry | None:
    """What the compendium says of one study of the plan; None: it is not analysed yet."""
    disk = workspace.disk
    columns: dict[str, Any] = dict(record.columns)
    if record.status == "planned":
        if part_key(record.study, record.part) in there:
            return StudyEntry(study=record.study, part=record.part)
        outcome = read_outcome(disk, outcome_key(record.study, record.part))
        if outcome is None:
            return None
        columns |= {"status": outcome.status, "reason": outcome.reason, "message": outcome.message}
    else:
        columns |= {"status": record.status, "reason": record.reason, "message": record.message}
    # Nothing of the study is in the model: what was planned of it is told by the plan.
    columns |= {"n_contrasts": 0, "n_samples": -1}
    samples = [
        {**sample, "used": False, "group": "", "why_not": sample["why_not"] or columns["reason"]}
        for sample in record.samples
    ]
    return StudyEntry(study=record.study, columns=columns, samples=samples)

"""The stages on Dask: plan, analyse, compile; the only place that knows both a client and a stage."""

import importlib.metadata
import json
import logging
from collections import Counter
from typing import Any, TypeVar

from distributed import Client

from pipeline.dea.settings import ENGINE_VERSION
from pipeline.inflight import results
from pipeline.plan import Plan, plan_inputs, write_plan
from pipeline.progress import Progress, Report
from pipeline.stages.analyse_study import (
    AnalysisReceipt,
    AnalysisTask,
    analyse_planned,
    record_lost,
)
from pipeline.stages.plan_study import plan_study, record_failure
from pipeline.stages.record import PlanRecord, outcome_key, read_outcome
from pipeline.stages.task import make_tasks
from pipeline.workspace import Workspace
from pipeline.write_shards import write_all_shards
from storage.compile import StudyEntry, adopt_generation, begin_build, plan_build, publish_build
from storage.errors import InputError
from storage.generation import Current, read_current
from storage.genes import GeneList
from storage.layout import Layout
from storage.lease import Lease
from storage.parts import part_key

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_plan(
    workspace: Workspace, genes: GeneList, client: Client, lease: Lease, report: Report
) -> Plan:
    """Plan every study of the source, one task each, and write the plan; the caller holds the lease."""
    disk = workspace.disk
    disk.sweep("")
    tasks = make_tasks(workspace.root, workspace.config, genes)
    if not tasks:
        raise InputError(_no_study(workspace))
    receipts, refused, known = [], Counter[str](), 0
    report(Progress(stage="plan", done=0, total=len(tasks)))
    for task, result in results(client, plan_study, tasks):
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
    workspace: Workspace, genes: GeneList, plan: Plan, client: Client, report: Report
) -> list[AnalysisReceipt]:
    """Analyse every planned study, one task each; what has a part already is only verified."""
    workspace.disk.sweep("parts/dea")
    by_study = {task.study: task for task in make_tasks(workspace.root, workspace.config, genes)}
    items = [
        AnalysisTask(task=by_study[record.study], part=record.part)
        for record in plan.planned
        if record.study in by_study
    ]
    receipts, refused, known = [], Counter[str](), 0
    report(Progress(stage="analyse", done=0, total=len(items)))
    for item, result in results(client, analyse_planned, items):
        receipt = record_lost(item, result) if isinstance(result, BaseException) else result
        receipts.append(receipt)
        known += receipt.known
        log.debug("%s", receipt)
        if receipt.reason:
            refused[receipt.reason] += 1
        report(
            Progress(
                stage="analyse", done=len(receipts), total=len(items), known=known, refused=refused
            )
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
) -> tuple[Current, bool]:
    """Compile the parts of a plan into a generation and publish it; the caller holds the lease.

    Returns
    -------
    current, new
        The newest generation, and whether it was published just now: one that would hold the same is not.
    """
    disk = workspace.disk
    disk.sweep("compendium")
    attributes = {
        "config": json.dumps(workspace.config.scientific(), sort_keys=True),
        "engine_version": ENGINE_VERSION,
        "dexome_version": importlib.metadata.version("dexome"),
    }
    entries = [_entry(workspace, record) for record in plan.records]
    build = plan_build(disk, genes, entries, attributes, layout=layout, rebuild=rebuild)
    if build is None:
        current = read_current(disk)
        assert current is not None
        return current, False
    if not rebuild and (adopted := adopt_generation(disk, build.inputs, lease)):
        return adopted, True
    begin_build(disk, build)
    receipts = write_all_shards(disk, client, build.tasks, build.generation, "compile", report)
    current = publish_build(disk, build, receipts, lease)
    log.info("published %s: %d contrasts", current.generation, len(build.contrasts))
    return current, True


def _no_study(workspace: Workspace) -> str:
    source = workspace.config.source
    if source.kind == "folder":
        return f"{source.path} holds no study: one sub-folder for each is needed"
    return "DEE2 has no project of these accessions; mend accessions in [source]"


def _entry(workspace: Workspace, record: PlanRecord) -> StudyEntry:
    """What the compendium says of one study of the plan."""
    disk = workspace.disk
    columns: dict[str, Any] = dict(record.columns)
    if record.status == "planned":
        if disk.path(part_key(record.study, record.part)).is_file():
            return StudyEntry(study=record.study, part=record.part)
        outcome = read_outcome(disk, outcome_key(record.study, record.part))
        if outcome is None:
            raise InputError(
                f"study {record.study} is planned but not analysed; run `dexome analyse` first"
            )
        columns |= {"status": outcome.status, "reason": outcome.reason, "message": outcome.message}
    else:
        columns |= {"status": record.status, "reason": record.reason, "message": record.message}
    # Nothing of the study is in the model: what was planned of it is told by the plan.
    columns |= {"n_contrasts": 0, "n_samples": -1}
    samples = [{**sample, "used": False, "group": ""} for sample in record.samples]
    return StudyEntry(study=record.study, columns=columns, samples=samples)

"""The plan of one study: is it in, with which contrasts, or out, and why."""

import logging
from dataclasses import asdict, dataclass

from pipeline.curate.curation import Journal
from pipeline.sources.refusal import Refusal
from pipeline.sources.study_input import StudyInput
from pipeline.stages.prepare import (
    contrast_rows,
    prepare_input,
    sample_rows,
    study_columns,
    unused_rows,
)
from pipeline.stages.record import (
    PlanRecord,
    plan_record_key,
    read_plan_record,
    unknown_failure,
    write_plan_record,
)
from pipeline.stages.task import StudyTask
from storage.errors import DexomeError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlanReceipt:
    """What the driver hears of a planned study: where its record lies."""

    study: str
    record: str
    refused: str
    known: bool


def plan_study(task: StudyTask) -> PlanReceipt:
    """Plan one study, or find its plan made already, and write the record."""
    key = task.plan_key(task.source.fingerprint(task.study))
    name = plan_record_key(task.study, key)
    record = read_plan_record(task.disk, name)
    if record is not None:
        return PlanReceipt(task.study, name, record.reason, known=True)
    try:
        record = make_plan_record(task)
    except DexomeError:
        # The workspace's trouble, not the study's: the stage ends.
        raise
    except Exception as error:
        log.debug("the plan of %s failed", task.study, exc_info=True)
        return record_failure(task, error)
    write_plan_record(task.disk, name, record)
    return PlanReceipt(task.study, name, record.reason, known=False)


def fetch_to_plan(task: StudyTask) -> None:
    """Bring the files of a study here, unless its plan is made already."""
    key = task.plan_key(task.source.fingerprint(task.study))
    if task.disk.read(plan_record_key(task.study, key)) is None:
        task.fetch()


def look_up_plan(task: StudyTask) -> PlanRecord:
    """The plan of one study as it would be written, read where it is there already."""
    key = task.plan_key(task.source.fingerprint(task.study))
    record = read_plan_record(task.disk, plan_record_key(task.study, key))
    return record or make_plan_record(task)


def record_failure(task: StudyTask, error: BaseException) -> PlanReceipt:
    """Write down that the plan of a study failed for a cause unknown to us; the next run tries again."""
    name = plan_record_key(task.study, "plan", failed=True)
    record = PlanRecord(study=task.study, **asdict(unknown_failure(error)))
    write_plan_record(task.disk, name, record)
    return PlanReceipt(task.study, name, record.reason, known=False)


def make_plan_record(task: StudyTask) -> PlanRecord:
    """The plan of one study, from its files."""
    journal = Journal()
    study: StudyInput | None = None
    try:
        study = task.source.read(task.study)
        prepared = prepare_input(task, study, journal)
    except Refusal as refusal:
        return PlanRecord(
            study=task.study,
            status="refused",
            reason=refusal.code,
            message=refusal.message,
            reasoning=[list(step) for step in journal.steps],
            samples=[] if study is None else unused_rows(study, refusal.code),
        )
    curation = prepared.curation
    return PlanRecord(
        study=task.study,
        status="planned",
        part=prepared.part,
        factor=curation.factor,
        reference=curation.reference or "",
        reference_word=curation.reference_word or "",
        factors=[asdict(factor) for factor in curation.factors],
        ingredients=curation.ingredients,
        reasoning=[list(step) for step in journal.steps],
        columns={
            **study_columns(prepared),
            "n_measured": int(prepared.counts.any(axis=0).sum()),
            "flags": ",".join((*prepared.flags, *curation.flags)),
        },
        samples=sample_rows(prepared),
        contrasts=contrast_rows(task, curation),
    )

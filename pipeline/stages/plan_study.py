"""The plan of one study: is it in, with which contrasts, or out, and why."""

from dataclasses import dataclass

from pipeline.sources.folder import FolderSource
from pipeline.sources.refusal import Refusal
from pipeline.stages.prepare import contrast_rows, mapping_columns, prepare_study, sample_rows
from pipeline.stages.record import PlanRecord, plan_record_key, read_plan_record, write_plan_record
from pipeline.stages.task import StudyTask


@dataclass(frozen=True, slots=True)
class PlanReceipt:
    """What the driver hears of a planned study: where its record lies."""

    study: str
    record: str
    refused: str
    known: bool


def plan_study(task: StudyTask) -> PlanReceipt:
    """Plan one study, or find its plan made already, and write the record."""
    source = FolderSource(task.source)
    key = plan_record_key(task.study, task.plan_key(source.fingerprint(task.study)))
    record = read_plan_record(task.disk, key)
    known = record is not None
    if record is None:
        record = make_plan_record(task)
        write_plan_record(task.disk, key, record)
    return PlanReceipt(task.study, key, record.reason, known)


def make_plan_record(task: StudyTask) -> PlanRecord:
    """The plan of one study, from its files."""
    try:
        prepared = prepare_study(task)
    except Refusal as refusal:
        return PlanRecord(
            study=task.study, status="refused", reason=refusal.code, message=refusal.message
        )
    curation = prepared.curation
    return PlanRecord(
        study=task.study,
        status="planned",
        part=prepared.part,
        factor=curation.factor,
        reference=curation.reference or "",
        reference_word=curation.reference_word or "",
        columns={
            "n_samples": len(prepared.samples),
            "n_contrasts": len(curation.contrasts),
            "n_measured": int(prepared.counts.any(axis=0).sum()),
            "flags": ",".join(curation.flags),
            **mapping_columns(prepared.mapping),
        },
        samples=sample_rows(prepared),
        contrasts=contrast_rows(task, curation),
    )

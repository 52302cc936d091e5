"""A workspace of very many studies as its driver sees them: real headers, and arrays of one gene."""

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies import N_GENES, make_workspace_of, write_studies
from pipeline.plan import plan_inputs, write_plan
from pipeline.stages.analyse_study import make_part
from pipeline.stages.plan_study import make_plan_record
from pipeline.stages.prepare import prepare_study
from pipeline.stages.record import PlanRecord, plan_record_key, write_plan_record
from pipeline.stages.task import make_tasks
from pipeline.workspace import Workspace, open_workspace
from storage.disk import Disk
from storage.parts import Part, write_part

# 7,130 contrasts of 2,500 studies are 2.85 each.
CONTRASTS_PER_STUDY = 3
_TRIED = 12


class QuickDisk(Disk):
    """A disk that does not sync each file: nothing here is to outlive a power loss."""

    def put(self, key: str, data: bytes) -> None:
        self.stage(key, data)


@dataclass(frozen=True, slots=True)
class Template:
    """Plan and part of one analysed study."""

    record: PlanRecord
    part: Part

    def renamed(self, number: int) -> tuple[PlanRecord, Part]:
        """The same of another study, with accessions of its own."""
        study = f"SRP{number:06d}"
        key = hashlib.sha256(study.encode()).hexdigest()
        n_samples = len(self.part.samples)

        def samples(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            first = number * n_samples
            return [
                {**row, "sample": f"GSM{first + i:07d}", "runs": f"SRR{first + i:08d}"}
                for i, row in enumerate(rows)
            ]

        def contrasts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [
                {**row, "study": study, "contrast": row["contrast"].replace(row["study"], study, 1)}
                for row in rows
            ]

        record, part = self.record, self.part
        return (
            replace(
                record,
                study=study,
                part=key,
                samples=samples(record.samples),
                contrasts=contrasts(record.contrasts),
            ),
            replace(
                part,
                study=study,
                key=key,
                samples=samples(part.samples),
                contrasts=contrasts(part.contrasts),
            ),
        )


def make_driver_workspace(root: Path, n_contrasts: int) -> Workspace:
    """A workspace below `root` that is planned and analysed: studies of 12 samples and 3 contrasts."""
    studies = root / "source" / "studies"
    write_studies(root / "source", _TRIED, N_GENES)
    make_workspace_of(root / "source", root / "work")
    workspace = open_workspace(root / "work")
    template = _make_template(workspace)
    shutil.rmtree(studies)
    disk = QuickDisk(workspace.root)
    keys = []
    for number in range(-(-n_contrasts // CONTRASTS_PER_STUDY)):
        record, part = template.renamed(number)
        (studies / record.study).mkdir(parents=True)
        keys.append(plan_record_key(record.study, record.part))
        write_plan_record(disk, keys[-1], record)
        write_part(disk, part)
    write_plan(disk, plan_inputs(workspace.config, workspace.read_genes()), keys)
    return workspace


def _make_template(workspace: Workspace) -> Template:
    """The first study of `CONTRASTS_PER_STUDY`, planned and analysed; its arrays cut to one gene."""
    for task in make_tasks(workspace.root, workspace.config, workspace.read_genes()):
        record = make_plan_record(task)
        if len(record.contrasts) == CONTRASTS_PER_STUDY:
            part = make_part(task, prepare_study(task))
            return Template(
                record,
                replace(
                    part,
                    statistics={k: v[:, :1] for k, v in part.statistics.items()},
                    study_statistics={
                        k: np.ascontiguousarray(v[:1]) for k, v in part.study_statistics.items()
                    },
                ),
            )
    raise AssertionError(f"none of {_TRIED} studies has {CONTRASTS_PER_STUDY} contrasts")

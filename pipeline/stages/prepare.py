"""From a study's files to what its analysis takes: mapped counts, groups, contrasts, and their key."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.curate.curate import Curation, curate
from pipeline.curate.names import contrast_id
from pipeline.dea.settings import ENGINE_VERSION
from pipeline.sources.genes import MappingRecord, map_counts
from pipeline.sources.refusal import Refusal
from pipeline.sources.study_input import StudyInput
from pipeline.stages.task import StudyTask, gene_index
from storage.schema import SCHEMA_VERSION


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A study ready for the statistics.

    `samples` are those in the model, sorted by name, the rows of `counts` (sample, gene); `unused` are
    the others with the reason. `runs` are those summed into a sample, `flags` the source's cautions.
    `part` is the key of the result.
    """

    samples: list[str]
    counts: npt.NDArray[np.float64]
    curation: Curation
    unused: dict[str, str]
    runs: dict[str, tuple[str, ...]]
    flags: tuple[str, ...]
    mapping: MappingRecord
    part: str


def prepare_study(task: StudyTask) -> Prepared:
    """Read, map and curate one study.

    Raises
    ------
    Refusal
        The study can't be analysed; code and message say why.
    """
    study = task.source.read(task.study)
    mapped = map_counts(
        study.counts, gene_index(task.gene_list, task.gene_list_sha256), task.mapping
    )
    row = {name: place for place, name in enumerate(mapped.samples)}
    empty = set(mapped.empty_samples)
    if empty >= set(study.samples.index):
        raise Refusal(
            "zero_counts", "no sample has a count on the gene axis; check the count table"
        )
    excluded = {name: "zero_library" for name in study.samples.index if name in empty}
    curation = curate(study.samples, task.curate, excluded)
    unused = dict(curation.unused)
    unused |= dict.fromkeys(study.unmatched_counts, "not_in_samples_table")
    unused |= dict.fromkeys(study.unmatched_rows, "no_counts")
    unused |= study.left_out
    samples = sorted(curation.groups)
    counts = mapped.counts[[row[name] for name in samples]]
    return Prepared(
        samples=samples,
        counts=counts,
        curation=curation,
        unused=unused,
        runs=study.runs,
        flags=study.flags,
        mapping=mapped.record,
        part=_part_key(task, samples, counts, curation, study),
    )


def contrast_rows(task: StudyTask, curation: Curation) -> list[dict[str, Any]]:
    """What is known of the contrasts before the analysis, by the names of the schema."""
    sizes = {
        level: list(curation.groups.values()).count(level) for level in curation.groups.values()
    }
    return [
        {
            "contrast": contrast_id(task.study, planned.test, planned.reference),
            "study": task.study,
            "factor": curation.factor,
            "test": planned.test,
            "reference": planned.reference,
            "direction": planned.direction,
            "n_test": sizes[planned.test],
            "n_reference": sizes[planned.reference],
        }
        for planned in curation.contrasts
    ]


def sample_rows(prepared: Prepared) -> list[dict[str, Any]]:
    """What is known of the samples before the analysis, by the names of the schema."""
    groups = prepared.curation.groups
    return [
        {
            "sample": name,
            "runs": ",".join(prepared.runs.get(name, (name,))),
            "group": groups.get(name, ""),
            "used": name in groups,
            "why_not": prepared.unused.get(name, ""),
        }
        for name in sorted({*groups, *prepared.unused})
    ]


def mapping_columns(record: MappingRecord) -> dict[str, Any]:
    """What became of the count table's rows, by the names of the schema."""
    names = ("id_kind", "rows_mapped", "rows_ambiguous", "rows_lost")
    shares = ("counts_mapped", "counts_ambiguous", "counts_lost")
    return {name: getattr(record, name) for name in (*names, *shares)}


def _part_key(
    task: StudyTask,
    samples: list[str],
    counts: npt.NDArray[np.float64],
    curation: Curation,
    study: StudyInput,
) -> str:
    """SHA-256 of everything that the result depends on."""
    content = {
        "versions": [SCHEMA_VERSION, ENGINE_VERSION],
        "genes": task.gene_list_sha256,
        "settings": asdict(task.dea),
        "study": task.study,
        "factor": curation.factor,
        "flags": list(curation.flags),
        "groups": [[name, curation.groups[name]] for name in samples],
        "contrasts": [asdict(planned) for planned in curation.contrasts],
        "unused": sorted(curation.unused.items()),
        "source": [sorted(study.runs.items()), sorted(study.left_out.items()), list(study.flags)],
    }
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    key.update(np.ascontiguousarray(counts, "<f8").tobytes())
    return key.hexdigest()

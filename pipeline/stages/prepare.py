"""From a study's files to what its analysis takes: mapped counts, groups, contrasts, and their key."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.curate.curate import curate
from pipeline.curate.curation import Curation, Journal
from pipeline.dea.design import Design, make_design
from pipeline.dea.settings import ENGINE_VERSION
from pipeline.sources.genes import MappingRecord, map_counts
from pipeline.sources.refusal import Refusal
from pipeline.sources.study_input import StudyInput
from pipeline.stages.identical import SAME, identical_samples, without_copies
from pipeline.stages.task import StudyTask, gene_index
from storage.contrast_id import contrast_id
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

    def make_design(self, samples: Sequence[str] | None = None) -> Design:
        """The design matrix of all samples, or some: groups, covariates, and the subject as block."""
        curation = self.curation
        samples = self.samples if samples is None else samples
        return make_design(
            [curation.groups[name] for name in samples],
            {
                name: [levels[sample] for sample in samples]
                for name, levels in curation.covariates.items()
            },
            [curation.block[name] for name in samples] if curation.block else None,
        )


def prepare_study(task: StudyTask, journal: Journal | None = None) -> Prepared:
    """Read, map and curate one study, and write the reasoning into the journal.

    Raises
    ------
    Refusal
        The study can't be analysed; code and message say why.
    """
    return prepare_input(task, task.source.read(task.study), journal)


def prepare_input(task: StudyTask, study: StudyInput, journal: Journal | None = None) -> Prepared:
    """Map and curate a study that was read.

    Raises
    ------
    Refusal
        It can't be analysed; code and message say why.
    """
    mapped = map_counts(
        study.counts, gene_index(task.gene_list, task.gene_names_sha256), task.mapping
    )
    row = {name: place for place, name in enumerate(mapped.samples)}
    empty = set(mapped.empty_samples)
    if empty >= set(study.samples.index):
        raise Refusal(
            "zero_counts", "no sample has a count on the gene axis; check the count table"
        )
    excluded = {name: "zero_library" for name in study.samples.index if name in empty}
    curation = curate(study.samples, task.curate, excluded, task.design, journal)
    flags = study.flags
    if identical := identical_samples(mapped.counts, mapped.samples):
        group_of = {
            member: group
            for name, group in curation.groups.items()
            for member in curation.summed.get(name, (name,))
        }
        if copies := without_copies(identical, group_of):
            flags = (*flags, SAME)
            curation = curate(
                study.samples, task.curate, {**excluded, **copies}, task.design, journal
            )
    unused = {**curation.unused, **_unmatched(study)}
    samples = sorted(curation.groups)
    counts = _summed(mapped.counts, row, samples, curation)
    for name, members in curation.summed.items():
        unused |= {member: f"added to {name}" for member in members if member != name}
    return Prepared(
        samples=samples,
        counts=counts,
        curation=curation,
        unused=unused,
        runs=_runs(study.runs, curation),
        flags=flags,
        mapping=mapped.record,
        part=_part_key(task, samples, counts, curation, study, mapped.record),
    )


def _unmatched(study: StudyInput) -> dict[str, str]:
    """Samples that the source itself leaves out, with the reason."""
    return {
        **dict.fromkeys(study.unmatched_counts, "not_in_samples_table"),
        **dict.fromkeys(study.unmatched_rows, "no_counts"),
        **study.left_out,
    }


def _summed(
    counts: npt.NDArray[np.float64], row: dict[str, int], samples: list[str], curation: Curation
) -> npt.NDArray[np.float64]:
    """(sample, gene) counts of the used samples, technical replicates added."""
    members = [curation.summed.get(name, (name,)) for name in samples]
    if all(len(names) == 1 for names in members):
        return counts[[row[name] for name in samples]]
    return np.array([counts[[row[name] for name in names]].sum(axis=0) for names in members])


def _runs(runs: Mapping[str, tuple[str, ...]], curation: Curation) -> dict[str, tuple[str, ...]]:
    """Runs of each sample, technical replicates with those of the sample that they are added to."""
    own = dict(runs)
    for name, members in curation.summed.items():
        if len(members) > 1:
            own[name] = tuple(run for member in members for run in runs.get(member, (member,)))
    return own


def study_columns(prepared: Prepared) -> dict[str, Any]:
    """What is known of the study before the analysis, by the names of the schema."""
    curation = prepared.curation
    return {
        "n_samples": len(prepared.samples),
        "n_contrasts": len(curation.contrasts),
        "covariates": ",".join(curation.covariates),
        "block": curation.block_name,
        "confidence": curation.confidence,
        "overruled": ",".join(curation.overruled),
        **mapping_columns(prepared.mapping),
    }


def contrast_rows(task: StudyTask, curation: Curation) -> list[dict[str, Any]]:
    """What is known of the contrasts before the analysis, by the names of the schema."""
    sizes = {
        level: list(curation.groups.values()).count(level) for level in curation.groups.values()
    }
    return [
        {
            "contrast": contrast_id(task.study, planned.test, planned.reference),
            "study": task.study,
            "factor": planned.factor or curation.factor,
            "test": planned.test,
            "reference": planned.reference,
            "direction": planned.direction,
            "stratum": planned.stratum,
            "confidence": planned.confidence,
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
            "block": prepared.curation.block.get(name, ""),
            "used": name in groups,
            "why_not": prepared.unused.get(name, ""),
        }
        for name in sorted({*groups, *prepared.unused})
    ]


def unused_rows(study: StudyInput, reason: str) -> list[dict[str, Any]]:
    """What is known of the samples of a study that is refused for this reason, as `sample_rows` has it."""
    unused = {**dict.fromkeys(study.samples.index, reason), **_unmatched(study)}
    return [
        {
            "sample": name,
            "runs": ",".join(study.runs.get(name, (name,))),
            "group": "",
            "block": "",
            "used": False,
            "why_not": unused[name],
        }
        for name in sorted(unused)
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
    mapping: MappingRecord,
) -> str:
    """SHA-256 of everything that the result depends on, and of what the part tells beside it."""
    content = {
        "versions": [SCHEMA_VERSION, ENGINE_VERSION],
        "genes": task.gene_list_sha256,
        "settings": asdict(task.dea),
        "study": task.study,
        "factor": curation.factor,
        "flags": list(curation.flags),
        "groups": [[name, curation.groups[name]] for name in samples],
        "contrasts": [asdict(planned) for planned in curation.contrasts],
        "covariates": [
            [name, sorted(v.items())] for name, v in sorted(curation.covariates.items())
        ],
        "block": [curation.block_name, sorted(curation.block.items())],
        "summed": sorted(curation.summed.items()),
        "overruled": list(curation.overruled),
        "confidence": curation.confidence,
        "mapping": mapping_columns(mapping),
        "unused": sorted(curation.unused.items()),
        "source": [sorted(study.runs.items()), sorted(study.left_out.items()), list(study.flags)],
    }
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    key.update(np.ascontiguousarray(counts, "<f8").tobytes())
    return key.hexdigest()

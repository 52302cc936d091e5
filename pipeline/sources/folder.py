"""A folder of studies: each sub-folder holds a count table and a sample table."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.sources.join import Join, join_samples
from pipeline.sources.refusal import Refusal
from pipeline.sources.samples import read_sample_table
from pipeline.sources.table import CountTable, read_count_table
from storage.errors import InputError

_ENDINGS = (".tsv", ".csv", ".txt", ".tsv.gz", ".csv.gz", ".txt.gz")
COUNT_NAMES = tuple(f"counts{ending}" for ending in _ENDINGS)
SAMPLE_NAMES = tuple(f"samples{ending}" for ending in _ENDINGS)


@dataclass(frozen=True, slots=True)
class StudyInput:
    """What one study gives to the analysis.

    `samples` is indexed by the sample names of `counts`, in the same order: the samples that both
    tables have. `unmatched_counts` are samples without a row, `unmatched_rows` rows without counts.
    """

    counts: CountTable
    samples: pd.DataFrame
    unmatched_counts: list[str]
    unmatched_rows: list[str]


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Studies under `path`, each named as its folder."""

    path: Path

    def studies(self) -> list[str]:
        """Names of the studies, sorted; a folder without counts is one too, and is refused later."""
        try:
            return sorted(
                entry.name
                for entry in self.path.iterdir()
                if entry.is_dir() and not entry.name.startswith(".")
            )
        except OSError as error:
            raise InputError(
                f"the folder of studies {self.path} can't be read: {error.strerror}"
            ) from error

    def fingerprint(self, study: str) -> str:
        """Hash that changes when a table of the study does; no content is read.

        It covers names, sizes and times of change of the tables, and of no other file.
        """
        told = []
        for name in (*COUNT_NAMES, *SAMPLE_NAMES):
            path = self.path / study / name
            if path.is_file():
                state = path.stat()
                told.append(f"{name}\t{state.st_size}\t{state.st_mtime_ns}")
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def read(self, study: str) -> StudyInput:
        """Read and join the study's tables.

        Raises
        ------
        Refusal
            A table is missing, can't be used, or the two do not fit together.
        """
        counts_path = self._find(study, COUNT_NAMES, "count table", "no_counts")
        samples_path = self._find(study, SAMPLE_NAMES, "sample table", "no_samples_table")
        counts = read_count_table(counts_path)
        table = read_sample_table(samples_path)
        return _study_input(counts, table, join_samples(counts.samples, table))

    def _find(self, study: str, names: tuple[str, ...], what: str, missing: str) -> Path:
        found = [self.path / study / name for name in names if (self.path / study / name).is_file()]
        if not found:
            raise Refusal(missing, f"{study} has no {what}; add {names[0]} to its folder")
        if len(found) > 1:
            raise Refusal(
                "several_tables",
                f"{study} has {' and '.join(path.name for path in found)}; keep one {what}",
            )
        return found[0]


def _study_input(counts: CountTable, table: pd.DataFrame, join: Join) -> StudyInput:
    kept = [sample for sample in counts.samples if sample in join.rows]
    samples = table.iloc[[join.rows[sample] for sample in kept]].copy()
    samples.index = pd.Index(kept, name="sample_name", dtype=object)
    return StudyInput(
        counts=counts if kept == counts.samples else counts.select(kept),
        samples=samples,
        unmatched_counts=join.unmatched_counts,
        unmatched_rows=join.unmatched_rows,
    )

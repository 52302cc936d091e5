"""A folder of studies: each sub-folder holds counts, and what is known of the samples, if anything."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd

from pipeline.sources.geo_file import read_geo
from pipeline.sources.geo_table import GeoSamples, make_geo_samples, why_not_rna_seq
from pipeline.sources.join import Join, join_samples
from pipeline.sources.refusal import Refusal
from pipeline.sources.samples import read_sample_table
from pipeline.sources.study_input import StudyInput
from pipeline.sources.table import CountTable, read_count_table
from storage.errors import InputError

_ENDINGS = (".tsv", ".csv", ".txt", ".tsv.gz", ".csv.gz", ".txt.gz")
COUNT_NAMES = tuple(f"counts{ending}" for ending in _ENDINGS)
SAMPLE_NAMES = tuple(f"samples{ending}" for ending in _ENDINGS)
# The first of these that a study has tells its samples; a series of several platforms has several matrices.
GEO_NAMES = (
    "*_series_matrix.txt",
    "*_series_matrix.txt.gz",
    "*_family.soft",
    "*_family.soft.gz",
)

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Studies under `path`, each named as its folder."""

    path: Path

    def studies(self) -> list[str]:
        """Names of the studies, sorted; a folder without counts is one too, and is refused later."""
        try:
            names = sorted(
                entry.name
                for entry in self.path.iterdir()
                if entry.is_dir() and not entry.name.startswith(".")
            )
        except OSError as error:
            raise InputError(
                f"the folder of studies {self.path} can't be read: {error.strerror}"
            ) from error
        for name in names:
            # Bytes that are no UTF-8 come as lone surrogates, which neither a file of ours nor JSON can hold.
            if _SURROGATE.search(name):
                raise InputError(
                    f"the folder {os.fsencode(name)!r} in {self.path} has a name that is not UTF-8; rename it"
                )
        return names

    def fingerprint(self, study: str) -> str:
        """Hash that changes when a table of the study does; no content is read.

        It covers names, sizes and times of change of the tables, and of no other file.
        """
        told = []
        named = [self.path / study / name for name in (*COUNT_NAMES, *SAMPLE_NAMES)]
        for path in (*named, *self._geo_files(study)):
            if path.is_file():
                state = path.stat()
                told.append(f"{path.name}\t{state.st_size}\t{state.st_mtime_ns}")
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def read(self, study: str) -> StudyInput:
        """Read the study's counts, and its sample table or GEO file, and join them.

        Raises
        ------
        Refusal
            There are no counts, a table can't be used, or the two do not fit together.
        """
        counts_path = self._find(study, COUNT_NAMES, "count table")
        if counts_path is None:
            raise Refusal("no_counts", f"{study} has no count table; add counts.tsv to its folder")
        samples_path = self._find(study, SAMPLE_NAMES, "sample table")
        counts = read_count_table(counts_path)
        if samples_path is not None:
            table = read_sample_table(samples_path)
            return _study_input(counts, table, join_samples(counts.samples, table))
        files = self._geo_files(study)
        if files:
            return _with_geo(counts, make_geo_samples(read_geo(path) for path in files))
        # Perhaps the names of the samples tell their groups.
        index = pd.Index(counts.samples, name="sample_name", dtype=object)
        return StudyInput(counts=counts, samples=pd.DataFrame(index=index))

    def _find(self, study: str, names: tuple[str, ...], what: str) -> Path | None:
        found = [self.path / study / name for name in names if (self.path / study / name).is_file()]
        if len(found) > 1:
            raise Refusal(
                "several_tables",
                f"{study} has {' and '.join(path.name for path in found)}; keep one {what}",
            )
        return found[0] if found else None

    def _geo_files(self, study: str) -> list[Path]:
        for pattern in GEO_NAMES:
            found = sorted((self.path / study).glob(pattern))
            if found:
                return found
        return []


def files_read(names: Sequence[str]) -> list[str]:
    """Those of the names of a study's files that `FolderSource.read` looks at, sorted."""
    counts = [name for name in names if name in COUNT_NAMES]
    samples = [name for name in names if name in SAMPLE_NAMES]
    if samples:
        return sorted(counts + samples)
    geo = ([name for name in names if fnmatchcase(name, pattern)] for pattern in GEO_NAMES)
    return sorted(counts + next(filter(None, geo), []))


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


def _with_geo(counts: CountTable, geo: GeoSamples) -> StudyInput:
    """Join GEO's samples by whatever of them stands in the counts' header: GSM, SRX, title, file."""
    names = geo.table.index
    keys = pd.DataFrame({"geo_accession": names}, index=names)
    keys["experiment"] = [" ".join(geo.experiments[name]) for name in names]
    wide = pd.concat([keys, geo.table.add_prefix("geo ")], axis=1)
    wide["supplementary_file"] = [geo.files[name] for name in names]
    join = join_samples(counts.samples, wide)
    given = _study_input(counts, geo.table, join)
    why = {
        sample: why_not_rna_seq(geo.fields[str(names[join.rows[sample]])])
        for sample in given.samples.index
    }
    # What the owner counted is taken for RNA-seq, unless other samples are that and this one is not.
    kept = [sample for sample in given.samples.index if not why[sample]] or list(why)
    return StudyInput(
        counts=given.counts if len(kept) == len(why) else given.counts.select(kept),
        samples=given.samples.loc[kept],
        unmatched_counts=given.unmatched_counts,
        unmatched_rows=given.unmatched_rows,
        left_out={sample: why[sample] for sample in why if sample not in kept},
        flags=geo.flags,
    )

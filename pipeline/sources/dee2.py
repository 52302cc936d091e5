"""DEE2 with GEO: counts of runs, summed into samples, with GEO's words for them; reads local files alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipeline.sources.archive import Archive, read_archive
from pipeline.sources.bulk_cut import read_cut
from pipeline.sources.geo_file import read_geo
from pipeline.sources.geo_table import GeoSamples, make_geo_samples, why_not_ours
from pipeline.sources.qc import Qc, QcSettings
from pipeline.sources.receipt import Receipt, decode_receipt, read_index, receipt_key
from pipeline.sources.refusal import Refusal
from pipeline.sources.run_table import RunTable, find_run_table, read_run_table
from pipeline.sources.runs import make_sample_table, name_samples, sum_runs, use_runs
from pipeline.sources.settings import Layer
from pipeline.sources.species import SPECIES
from pipeline.sources.study_input import StudyInput
from pipeline.sources.table import CountTable
from storage.hashing import hash_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Dee2Source:
    """Projects of DEE2 that `fetch` has put below `raw`, each named as its SRP.

    `selection` is the hash of the settings that they were fetched for, `run_tables` a folder of SRA's.
    """

    raw: Path
    selection: str
    species: str
    layer: Layer
    qc: QcSettings
    run_tables: Path | None = None

    def studies(self) -> list[str]:
        """Projects that were fetched, or tried to, sorted."""
        return read_index(self.raw, self.selection)

    def fingerprint(self, study: str) -> str:
        """Hash that changes when a file of the study does, by the receipt; no content is read."""
        data = self._receipt_bytes(study) or b""
        table = find_run_table(self.run_tables, study)
        return hash_json(
            {
                "receipt": hashlib.sha256(data).hexdigest(),
                "run_table": hashlib.sha256(table.read_bytes()).hexdigest() if table else "",
                "species": self.species,
                "layer": self.layer,
                "qc": asdict(self.qc),
            }
        )

    def read(self, study: str) -> StudyInput:
        """Read the study's runs, sum them into samples, and look these up in GEO.

        Raises
        ------
        Refusal
            The study was not fetched, its files are damaged, or nothing of it can be used.
        """
        receipt = decode_receipt(self._receipt_bytes(study))
        if receipt is None:
            raise Refusal("not_fetched", f"{study} is not in {self.raw}; run `dexome fetch`")
        if receipt.reason:
            raise Refusal(receipt.reason, receipt.message)
        geo = make_geo_samples([read_geo(self._path(file.key)) for file in receipt.geo])
        told = self._read_run_table(study)
        counts, measured = self._read_counts(receipt)
        sample_of = name_samples(receipt.runs, geo, told)
        used = use_runs(receipt.runs, sample_of, counts.samples, measured, self.qc)
        if not used.runs:
            reasons = "; ".join(sorted(set(used.left_out.values())))
            raise Refusal(
                "no_runs",
                f"none of the {len(receipt.runs)} runs of {study} can be used ({reasons}); see "
                "fail_runs and warn_runs in [source]",
            )
        ours, left_out = self._ours(list(used.runs), geo)
        if not ours:
            raise Refusal(
                "no_rna_seq",
                f"no sample of {study} is one of bulk RNA-seq: "
                f"{'; '.join(sorted(set(left_out.values())))}",
            )
        runs = {sample: used.runs[sample] for sample in ours}
        super_series = any(flag.startswith("super_series") for flag in geo.flags)
        named = set(sample_of.values())
        return StudyInput(
            counts=sum_runs(counts, runs),
            samples=make_sample_table(ours, receipt.runs, sample_of, geo, told),
            # The samples of a super-series that are not in this project are of another study.
            unmatched_rows=[]
            if super_series
            else [str(sample) for sample in geo.table.index if sample not in named],
            left_out=used.left_out | left_out,
            runs=runs,
            flags=(*receipt.flags, *geo.flags, *used.flags),
        )

    def _ours(self, samples: Sequence[str], geo: GeoSamples) -> tuple[list[str], dict[str, str]]:
        """Samples that are of bulk RNA-seq of the species, as far as GEO tells, and why others are not."""
        species = SPECIES[self.species]
        why = {
            sample: why_not_ours(geo.fields.get(sample, {}), species.taxid, species.organism)
            for sample in samples
        }
        return [s for s in samples if not why[s]], {s: told for s, told in why.items() if told}

    def _read_run_table(self, study: str) -> RunTable | None:
        path = find_run_table(self.run_tables, study)
        return None if path is None else read_run_table(path)

    def _read_counts(self, receipt: Receipt) -> tuple[CountTable, dict[str, Qc]]:
        """(run, gene) counts of all runs that are there, and their flags."""
        tables: list[CountTable] = []
        measured: dict[str, Qc] = {}
        for file in receipt.counts:
            archive: Archive = read_archive(self._path(file.key), self.layer)
            lacking = set(file.runs) - set(archive.counts.samples)
            if lacking:
                raise Refusal(
                    "damaged_download",
                    f"{file.key} lacks run {min(lacking)}; delete it and run `dexome fetch`",
                )
            tables.append(archive.counts.select(list(file.runs)))
            measured |= {run: archive.qc[run] for run in file.runs if run in archive.qc}
        tables += [read_cut(self._path(file.key), file.runs) for file in receipt.bulk]
        if not tables:
            raise Refusal("no_runs", f"DEE2 has no counts of {receipt.study}")
        return _joined(tables, receipt.study), measured

    def _path(self, key: str) -> Path:
        return self.raw / key

    def _receipt_bytes(self, study: str) -> bytes | None:
        try:
            return self._path(receipt_key(study)).read_bytes()
        except OSError:
            return None


def _joined(tables: Sequence[CountTable], study: str) -> CountTable:
    """Runs of several tables over the same genes, in the order of the first."""
    first = tables[0]
    if len(tables) == 1:
        return first
    place = {gene: i for i, gene in enumerate(first.ids)}
    blocks = []
    for table in tables:
        if table.ids != first.ids:
            order = [place.get(gene, -1) for gene in table.ids]
            if sorted(order) != list(range(len(first.ids))):
                raise Refusal(
                    "archives_differ",
                    f"two archives of {study} count {len(first.ids)} and {len(table.ids)} genes that "
                    "are not the same; delete its files in raw/ and run `dexome fetch`",
                )
            counts = np.empty_like(table.counts)
            counts[:, order] = table.counts
            blocks.append(counts)
        else:
            blocks.append(table.counts)
    samples = [sample for table in tables for sample in table.samples]
    return CountTable(first.ids, samples, np.concatenate(blocks))

"""The plan: every study, in or out with the reason, its samples and contrasts, as Parquet."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.config import Config
from pipeline.flow import flow_table
from pipeline.stages.record import PlanRecord, read_plan_record
from storage.concurrent import map_concurrently
from storage.errors import InputError
from storage.files import Files
from storage.genes import GeneList
from storage.hashing import hash_json
from storage.schema import CONTRAST_COLUMNS, SAMPLE_COLUMNS, STUDY_COLUMNS

FOLDER = "plan"
INDEX_KEY = f"{FOLDER}/plan.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of all studies, sorted by study; `inputs` is the hash of the settings it was made for."""

    inputs: str
    records: tuple[PlanRecord, ...]

    @property
    def planned(self) -> list[PlanRecord]:
        """The studies that are in."""
        return [record for record in self.records if record.status == "planned"]

    @property
    def refusals(self) -> Counter[str]:
        """Studies that are out, by reason."""
        return Counter(record.reason for record in self.records if record.status != "planned")


def plan_inputs(config: Config, genes: GeneList) -> str:
    """Hash of the settings that a plan is made for."""
    return hash_json({"genes": genes.names_sha256, **config.scientific()})


def write_plan(disk: Files, inputs: str, keys: Iterable[str]) -> Plan:
    """Assemble the plan from the studies' records and write its tables; the index is written last."""
    keys = sorted(keys)
    records = tuple(sorted(_read_records(disk, keys), key=lambda record: record.study))
    digests = {}
    for name, table in _tables(records).items():
        buffer = io.BytesIO()
        table.to_parquet(buffer, index=False, compression="zstd")
        disk.put(f"{FOLDER}/{name}.parquet", buffer.getvalue())
        digests[name] = hashlib.sha256(buffer.getvalue()).hexdigest()
    index = {"inputs": inputs, "tables": digests, "records": keys}
    disk.put(INDEX_KEY, json.dumps(index, indent=0).encode())
    return Plan(inputs, records)


def read_plan(disk: Files, inputs: str) -> Plan:
    """The plan, if it was made for these settings.

    Raises
    ------
    InputError
        There is none, a killed run left it incomplete, or settings have changed since.
    """
    data = disk.read(INDEX_KEY)
    if data is None:
        raise InputError(f"{disk.address()} has no plan yet; run `dexome plan` first")
    try:
        index = json.loads(data)
    except ValueError as error:
        raise InputError(
            f"{disk.address(INDEX_KEY)} is damaged; run `dexome plan` again"
        ) from error
    if index["inputs"] != inputs:
        raise InputError(
            "the settings or the gene list changed after the plan; run `dexome plan` again"
        )
    for name, digest in index["tables"].items():
        if disk.sha256(f"{FOLDER}/{name}.parquet") != digest:
            raise InputError(
                f"{FOLDER}/{name}.parquet is not the planned one; run `dexome plan` again"
            )
    return Plan(inputs, tuple(sorted(_read_records(disk, index["records"]), key=lambda r: r.study)))


def _read_records(disk: Files, keys: Sequence[str]) -> list[PlanRecord]:
    records = map_concurrently(lambda key: read_plan_record(disk, key), keys)
    for key, record in zip(keys, records, strict=True):
        if record is None:
            raise InputError(f"{disk.address(key)} is missing or damaged; run `dexome plan` again")
    return [record for record in records if record is not None]


def _tables(records: Sequence[PlanRecord]) -> dict[str, pd.DataFrame]:
    own = ["study", "status", "reason", "message", "factor", "reference", "reference_word", "part"]
    known = [v.name for v in STUDY_COLUMNS if any(v.name in r.columns for r in records)]
    studies = [{**{n: getattr(r, n) for n in own}, **r.columns} for r in records]
    samples = [{"study": r.study, **sample} for r in records for sample in r.samples]
    contrasts = [row for r in records for row in r.contrasts]
    factors = [
        {
            "study": r.study,
            **factor,
            **{
                name: json.dumps(factor[name], ensure_ascii=False) for name in ("levels", "same_as")
            },
        }
        for r in records
        for factor in r.factors
    ]
    factor_names = ("name", "kind", "levels", "reference", "direction", "word", "same_as")
    planned = (
        *("study", "factor", "test", "reference", "direction", "stratum", "confidence"),
        *("n_test", "n_reference"),
    )
    sample_names = ("runs", "group", "block", "used", "why_not")
    assert set(planned) <= {v.name for v in CONTRAST_COLUMNS}
    assert set(sample_names) <= {v.name for v in SAMPLE_COLUMNS}
    return {
        "studies": pd.DataFrame(studies, columns=[*own, *(n for n in known if n not in own)]),
        "samples": pd.DataFrame(samples, columns=["study", "sample", *sample_names]),
        "contrasts": pd.DataFrame(contrasts, columns=["contrast", *planned]),
        "factors": pd.DataFrame(factors, columns=["study", *factor_names]),
        "flow": flow_table(records),
    }

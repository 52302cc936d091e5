"""GEO samples as the table that curation reads, and which samples are none of ours."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.sources.geo_file import Fields, GeoSeries
from pipeline.sources.species import is_organism

RNA_SEQ = "rna-seq"
_EXPERIMENT = re.compile(r"\bSRA:.*?\b([SED]RX\d+)")
_BIOSAMPLE = re.compile(r"\bBioSample:.*?\b(SAM[A-Z]*\d+)")
# Columns, and the field of GEO that each is the first value of.
_FIRST = {"title": "title", "source_name": "source_name_ch1"}
_LAST = {
    "organism": "organism_ch1",
    "molecule": "molecule_ch1",
    "library_strategy": "library_strategy",
    "platform": "platform_id",
}
_FIXED = {*_FIRST, *_LAST, "description", "biosample"}


@dataclass(frozen=True, slots=True)
class GeoSamples:
    """Samples of one or more series.

    `table` is indexed by GSM, cells are text or NaN. `experiments` are the SRX of each sample,
    `files` the names of its supplementary files, `flags` what is to be known of the series.
    """

    table: pd.DataFrame
    experiments: dict[str, tuple[str, ...]]
    files: dict[str, str]
    fields: dict[str, Fields]
    flags: tuple[str, ...]


def make_geo_samples(series: Iterable[GeoSeries]) -> GeoSamples:
    """Join the samples of several files or series; a sample that stands in more than one is taken once."""
    samples: dict[str, Fields] = {}
    flags = []
    for one in series:
        for name, fields in one.samples.items():
            samples.setdefault(name, fields)
        relations = one.fields.get("relation", [])
        if any(text.startswith("SuperSeries of") for text in relations):
            flags.append(f"super_series:{one.accession}")
    rows = {name: _row(fields) for name, fields in samples.items()}
    columns = _in_order({column for row in rows.values() for column in row}, rows.values())
    table = pd.DataFrame(
        [[row.get(column, np.nan) for column in columns] for row in rows.values()],
        index=pd.Index(list(rows), name="sample_name", dtype=object),
        columns=pd.Index(columns, dtype=object),
        dtype=object,
    )
    return GeoSamples(
        table=table,
        experiments={name: _related(fields, _EXPERIMENT) for name, fields in samples.items()},
        files={
            name: " ".join(
                value.rpartition("/")[2]
                for key, values in fields.items()
                if key.startswith("supplementary_file")
                for value in values
                if value not in ("", "NONE")
            )
            for name, fields in samples.items()
        },
        fields=samples,
        flags=tuple(dict.fromkeys(flags)),
    )


def why_not_ours(fields: Fields, taxid: str, organism: str) -> str:
    """Why a sample of a series is not one of bulk RNA-seq of the organism; empty: it may well be.

    Strains and subspecies, which have taxonomy ids of their own, are told by their names: those begin with
    the organism's. A cross with another species (`Mus musculus x Mus spretus`) is none of them.
    """
    taxids = {value for value in fields.get("taxid_ch1", []) if value}
    names = {value for value in fields.get("organism_ch1", []) if value}
    # More ids than names: it is a mixture of which GEO names one part.
    if len(taxids) > len(names):
        others = taxids - {taxid}
    else:
        others = {name for name in names if not is_organism(name, organism)}
    if others:
        told = names if len(names) >= len(taxids) else taxids
        return f"other organism: {' and '.join(sorted(told))}"
    return why_not_rna_seq(fields)


def why_not_rna_seq(fields: Fields) -> str:
    """Why a sample is not one of bulk RNA-seq; empty: it may well be."""
    strategy = _first(fields, "library_strategy")
    if strategy and strategy.lower() != RNA_SEQ:
        return f"other assay: {strategy}"
    kind = _first(fields, "type")
    if kind and kind != "SRA":
        return f"other assay: array of {kind}"
    if "single cell" in _first(fields, "library_source").lower():
        return "other assay: single cell"
    return ""


def _row(fields: Fields) -> dict[str, str]:
    """The cells of one sample that are not empty."""
    row = {column: _first(fields, key) for column, key in (_FIRST | _LAST).items()}
    for key, value in _characteristics(fields):
        row[key] = f"{row[key]}; {value}" if key in row else value
    for place, value in enumerate(fields.get("description", [])):
        row[f"description.{place}" if place else "description"] = value
    row["biosample"] = "; ".join(_related(fields, _BIOSAMPLE))
    return {column: value for column, value in row.items() if value}


def _characteristics(fields: Fields) -> list[tuple[str, str]]:
    """Keys and values; a cell without a key is called `characteristics`, a fixed column's name gets `.1`."""
    pairs = []
    for cell in fields.get("characteristics_ch1", []):
        key, colon, value = cell.partition(": ")
        if not colon:
            # `key:` with nothing behind it tells nothing.
            key, value = ("characteristics", cell) if not cell.endswith(":") else (cell, "")
        key = " ".join(key.lower().split()) or "characteristics"
        if value.strip():
            pairs.append((f"{key}.1" if key in _FIXED else key, value.strip()))
    return pairs


def _in_order(columns: set[str], rows: Iterable[dict[str, str]]) -> list[str]:
    """Title and source first, then the characteristics as they come, then the rest."""
    seen = list(dict.fromkeys(column for row in rows for column in row))
    told = sorted(c for c in columns if re.fullmatch(r"description(\.\d+)?", c))
    own = [column for column in seen if column not in _FIXED and column not in told]
    order = [*_FIRST, *own, *told, *_LAST, "biosample"]
    return [column for column in order if column in columns]


def _related(fields: Fields, what: re.Pattern[str]) -> tuple[str, ...]:
    found = [what.search(text) for text in fields.get("relation", [])]
    return tuple(dict.fromkeys(one[1] for one in found if one))


def _first(fields: Fields, key: str) -> str:
    return next((value for value in fields.get(key, []) if value), "")

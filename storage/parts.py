"""A part: the immutable result of one study for one stage, one verified file, written once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import numpy as np

from storage.errors import StoreError
from storage.files import Files
from storage.schema import STATISTICS, STUDY_STATISTICS
from storage.sealed import damaged, digest_of, read_sealed, read_sealed_header, seal, unseal

FOLDER = "parts/dea"
_HEADER_FIELDS = ("study", "key", "gene_list_sha256", "contrasts", "samples", "columns")
_MAX_NAME = 120
_CURE = "run `dexome analyse` to make it again"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Result of the differential expression of one study.

    `statistics` maps the names of `STATISTICS` to (contrast, gene) float32 arrays, `study_statistics`
    those of `STUDY_STATISTICS` to (gene,) float32. `contrasts` and `samples` are one dict a row with
    the names of `CONTRAST_COLUMNS` and `SAMPLE_COLUMNS` beside `contrast` and `sample`; `columns` has
    the study's own values, by the names of `STUDY_COLUMNS`.
    """

    study: str
    key: str
    gene_list_sha256: str
    contrasts: list[dict[str, Any]]
    samples: list[dict[str, Any]]
    columns: dict[str, Any]
    statistics: Mapping[str, np.ndarray] = field(repr=False, default_factory=dict)
    study_statistics: Mapping[str, np.ndarray] = field(repr=False, default_factory=dict)

    @property
    def axis_sha256(self) -> str:
        """Hash of the last axis of its arrays."""
        return self.gene_list_sha256


def part_key(study: str, key: str) -> str:
    """Where the part of `study` with this content key lies in the workspace."""
    return f"{FOLDER}/{study_folder(study)}/{key}.part"


def study_folder(study: str) -> str:
    """Name of a folder for a study of any name: percent-escaped, never hidden, never too long."""
    name = quote(study, safe=" +")
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if len(name) > _MAX_NAME:
        name = f"{name[:_MAX_NAME]}~{hashlib.sha256(study.encode()).hexdigest()[:16]}"
    return name


def write_part(disk: Files, part: Part) -> str:
    """Write a part into its place, whole or not at all; return the SHA-256 that it carries."""
    data = encode_part(part)
    disk.put(part_key(part.study, part.key), data)
    return digest_of(data)


def read_part(disk: Files, study: str, key: str) -> tuple[Part, str]:
    """Read and verify the part of a study; return it with its SHA-256.

    Raises
    ------
    StoreError
        The part is absent, truncated, altered, or another study's: the message names the file.
    """
    header, columns, digest = read_sealed(disk, part_key(study, key), _CURE)
    if (header.get("study"), header.get("key")) != (study, key):
        raise damaged(disk, part_key(study, key), _CURE)
    return _make_part(header, columns), digest


def read_part_header(disk: Files, study: str, key: str) -> tuple[Part, str]:
    """A part's tables, verified, without its arrays, and the SHA-256 that the file carries.

    The arrays are neither read nor verified: whoever reads them does both.
    """
    header, digest = read_sealed_header(disk, part_key(study, key), _CURE)
    return Part(**header), digest


def part_digest(disk: Files, study: str, key: str) -> str | None:
    """SHA-256 of a part that is there and verifies, else None: is it done?"""
    try:
        return read_part(disk, study, key)[1]
    except StoreError:
        return None


def encode_part(part: Part) -> bytes:
    """Bytes of a part: a sealed file of gene-long columns."""
    columns = {
        f"{variable.name}/{row}": values
        for variable in STATISTICS
        for row, values in enumerate(part.statistics[variable.name])
    }
    columns |= {
        variable.name: part.study_statistics[variable.name] for variable in STUDY_STATISTICS
    }
    return seal(
        {name: getattr(part, name) for name in _HEADER_FIELDS},
        {name: np.ascontiguousarray(values, np.float32) for name, values in columns.items()},
    )


def decode_part(data: bytes) -> Part:
    """The part in verified bytes."""
    return _make_part(*unseal(data))


def _make_part(header: dict[str, Any], columns: Mapping[str, np.ndarray]) -> Part:
    rows = range(len(header["contrasts"]))
    n_genes = next(iter(columns.values())).size

    def stack(name: str) -> np.ndarray:
        rows_of = [columns[f"{name}/{row}"] for row in rows]
        return np.stack(rows_of) if rows_of else np.empty((0, n_genes), np.float32)

    return Part(
        **header,
        statistics={v.name: stack(v.name) for v in STATISTICS},
        study_statistics={v.name: columns[v.name] for v in STUDY_STATISTICS},
    )

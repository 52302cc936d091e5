"""The immutable result of one study's enrichment: a sealed file of term-long columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from storage.enrichment_schema import CONTRAST_TERM_STATISTICS, DIRECTIONS, TERM_STATISTICS
from storage.errors import StoreError
from storage.files import Files
from storage.parts import study_folder
from storage.sealed import damaged, digest_of, read_sealed, read_sealed_header, seal

FOLDER = "parts/go"
_CURE = "run `dexome enrich` to make it again"
_HEADER_FIELDS = ("study", "key", "axis_sha256", "contrasts", "numbers")


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrichmentPart:
    """Enrichment of the contrasts of one study.

    `axis_sha256` is the hash of the term axis, `contrasts` the ids in the order of the rows. `statistics`
    maps the names of `TERM_STATISTICS` to (contrast, direction, term) arrays and those of
    `CONTRAST_TERM_STATISTICS` to (contrast, term) ones; `numbers` those of `CONTRAST_NUMBERS` to nested
    lists.
    """

    study: str
    key: str
    axis_sha256: str
    contrasts: list[str]
    numbers: dict[str, Any]
    statistics: Mapping[str, np.ndarray] = field(repr=False, default_factory=dict)

    @property
    def study_statistics(self) -> Mapping[str, np.ndarray]:
        """None: every array has a row for each contrast."""
        return {}


def enrichment_part_key(study: str, key: str) -> str:
    """Where the enrichment of `study` with this content key lies in the workspace."""
    return f"{FOLDER}/{study_folder(study)}/{key}.part"


def write_enrichment_part(disk: Files, part: EnrichmentPart) -> str:
    """Write a part into its place, whole or not at all; return the SHA-256 that it carries."""
    rows = range(len(part.contrasts))
    columns = {
        _column(v.name, row, direction): part.statistics[v.name][row, direction]
        for v in TERM_STATISTICS
        for row in rows
        for direction in range(len(DIRECTIONS))
    }
    columns |= {
        _column(v.name, row): part.statistics[v.name][row]
        for v in CONTRAST_TERM_STATISTICS
        for row in rows
    }
    data = seal({name: getattr(part, name) for name in _HEADER_FIELDS}, columns)
    disk.put(enrichment_part_key(part.study, part.key), data)
    return digest_of(data)


def read_enrichment_part(disk: Files, study: str, key: str) -> tuple[EnrichmentPart, str]:
    """Read and verify the enrichment of a study; return it with its SHA-256.

    Raises
    ------
    StoreError
        The part is absent, truncated, altered, or another study's: the message names the file.
    """
    name = enrichment_part_key(study, key)
    header, columns, digest = read_sealed(disk, name, _CURE)
    if (header.get("study"), header.get("key")) != (study, key):
        raise damaged(disk, name, _CURE)
    rows = range(len(header["contrasts"]))
    statistics = {
        v.name: np.array(
            [[columns[_column(v.name, row, d)] for d in range(len(DIRECTIONS))] for row in rows],
            v.dtype,
        )
        for v in TERM_STATISTICS
    }
    statistics |= {
        v.name: np.array([columns[_column(v.name, row)] for row in rows], v.dtype)
        for v in CONTRAST_TERM_STATISTICS
    }
    return EnrichmentPart(**header, statistics=statistics), digest


def read_enrichment_header(disk: Files, study: str, key: str) -> tuple[EnrichmentPart, str]:
    """A part without its arrays, its header verified, and the SHA-256 that the file carries."""
    header, digest = read_sealed_header(disk, enrichment_part_key(study, key), _CURE)
    return EnrichmentPart(**header), digest


def enrichment_digest(disk: Files, study: str, key: str) -> str | None:
    """SHA-256 of a part that is there and verifies, else None: is it done?"""
    try:
        return read_sealed(disk, enrichment_part_key(study, key), _CURE)[2]
    except StoreError:
        return None


def _column(name: str, *place: int) -> str:
    return "/".join(map(str, (name, *place)))

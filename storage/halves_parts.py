"""The immutable halves of one study: a sealed file of gene-long columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from storage.errors import StoreError
from storage.files import Files
from storage.halves_schema import HALVES, HALVES_STATISTICS, KINDS
from storage.parts import study_folder
from storage.sealed import damaged, digest_of, read_sealed, read_sealed_header, seal

FOLDER = "parts/halves"
_CURE = "run `dexome halves` to make it again"
_HEADER_FIELDS = ("study", "key", "gene_list_sha256", "contrasts", "labels")


@dataclass(frozen=True, kw_only=True, slots=True)
class HalvesPart:
    """Both halves, of both kinds, of the contrasts of one study.

    `contrasts` are the ids in the order of the rows. `labels` maps the names of `HALVES_LABELS` to
    (contrast, kind) lists, `statistics` those of `HALVES_STATISTICS` to (contrast, kind, half, gene) arrays.
    """

    study: str
    key: str
    gene_list_sha256: str
    contrasts: list[str]
    labels: dict[str, list[list[str]]]
    statistics: Mapping[str, np.ndarray] = field(repr=False, default_factory=dict)

    @property
    def study_statistics(self) -> Mapping[str, np.ndarray]:
        """None: every array has a row for each contrast."""
        return {}

    @property
    def axis_sha256(self) -> str:
        """Hash of the last axis of its arrays."""
        return self.gene_list_sha256


def halves_part_key(study: str, key: str) -> str:
    """Where the halves of `study` with this content key lie in the workspace."""
    return f"{FOLDER}/{study_folder(study)}/{key}.part"


def write_halves_part(disk: Files, part: HalvesPart) -> str:
    """Write a part into its place, whole or not at all; return the SHA-256 that it carries."""
    columns = {
        _column(name, place): np.ascontiguousarray(part.statistics[name][place], np.float32)
        for name, place in _places(part.contrasts)
    }
    data = seal({name: getattr(part, name) for name in _HEADER_FIELDS}, columns)
    disk.put(halves_part_key(part.study, part.key), data)
    return digest_of(data)


def read_halves_part(disk: Files, study: str, key: str) -> tuple[HalvesPart, str]:
    """Read and verify the halves of a study; return them with their SHA-256.

    Raises
    ------
    StoreError
        The part is absent, truncated, altered, or another study's: the message names the file.
    """
    name = halves_part_key(study, key)
    header, columns, digest = read_sealed(disk, name, _CURE)
    if (header.get("study"), header.get("key")) != (study, key):
        raise damaged(disk, name, _CURE)
    n_genes = next(iter(columns.values())).size
    shape = (len(header["contrasts"]), len(KINDS), len(HALVES), n_genes)
    statistics = {v.name: np.empty(shape, v.dtype) for v in HALVES_STATISTICS}
    for variable, place in _places(header["contrasts"]):
        statistics[variable][place] = columns[_column(variable, place)]
    return HalvesPart(**header, statistics=statistics), digest


def read_halves_header(disk: Files, study: str, key: str) -> tuple[HalvesPart, str]:
    """A part without its arrays, its header verified, and the SHA-256 that the file carries."""
    header, digest = read_sealed_header(disk, halves_part_key(study, key), _CURE)
    return HalvesPart(**header), digest


def find_halves(disk: Files, study: str, key: str) -> HalvesPart | None:
    """A part that is there and verifies, else None: is it done?"""
    try:
        return read_halves_part(disk, study, key)[0]
    except StoreError:
        return None


def _places(contrasts: Sequence[str]) -> list[tuple[str, tuple[int, int, int]]]:
    """Every column: its variable, and its place (contrast, kind, half)."""
    shape = (len(contrasts), len(KINDS), len(HALVES))
    return [(v.name, place) for v in HALVES_STATISTICS for place in np.ndindex(shape)]


def _column(name: str, place: tuple[int, int, int]) -> str:
    return "/".join(map(str, (name, *place)))

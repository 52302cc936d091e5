"""`[source]` of dexome.toml: where studies come from, and what of them is used."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.sources.qc import QcSettings
from pipeline.sources.species import SPECIES
from storage.errors import InputError
from storage.hashing import hash_json

DEE2 = "https://dee2.io"
RAW = "raw"  # in the workspace: what is downloaded
GEO = "https://ftp.ncbi.nlm.nih.gov/geo"
Layer = Literal["star", "kallisto"]
MAX_REQUEST = 500  # what DEE2 allows
_ACCESSION = re.compile(r"[SED]RP\d+|GSE\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceConfig:
    """Where the studies come from: a folder (`path`), or DEE2 and GEO (all the other settings).

    `accessions` are projects (SRP) and series (GSE), or the file that lists them, one a line; without
    any, all of the species. `dee2` and `geo` are the addresses of the servers, or folders that hold
    the same; `run_tables` is a folder of SRA's run tables, SRP….csv. `counts` come in an archive for
    each project, or are cut from the one bulk file.
    """

    kind: Literal["folder", "dee2"] = "folder"
    path: Path = Path()
    species: str = "mmusculus"
    accessions: tuple[str, ...] | Path = ()
    dee2: str = DEE2
    geo: str = GEO
    counts: Literal["archives", "bulk"] = "archives"
    layer: Layer = "star"
    fail_runs: Literal["drop", "keep"] = "drop"
    warn_runs: Literal["drop", "keep"] = "keep"
    run_tables: Path | None = None
    max_runs: int = 1000
    runs_per_request: int = 200
    per_host: int = 4
    offline: bool = False

    def __post_init__(self) -> None:
        if (self.path == Path()) == (self.kind == "folder"):
            what = "needs path, the folder of studies" if self.kind == "folder" else "has no path"
            raise ValueError(f'kind "{self.kind}" {what}')
        for name, address in (("dee2", self.dee2), ("geo", self.geo)):
            if "://" in address and not address.startswith(("http://", "https://")):
                raise ValueError(f"{name} must be an http address or a folder, got {address!r}")
        if self.species not in SPECIES:
            raise ValueError(f"species must be one of {', '.join(SPECIES)}, got {self.species!r}")
        if self.counts == "bulk" and self.layer == "kallisto":
            raise ValueError(
                'layer "kallisto" needs counts = "archives": bulk files do not say which gene a '
                "transcript is of"
            )
        for name, low, high in (
            ("max_runs", 1, 100_000),
            ("runs_per_request", 1, MAX_REQUEST),
            ("per_host", 1, 32),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be from {low} to {high}, got {value}")

    @property
    def qc(self) -> QcSettings:
        """What becomes of runs that DEE2 flags."""
        return QcSettings(fail=self.fail_runs, warn=self.warn_runs)

    def scientific(self) -> dict[str, Any]:
        """The settings that decide the counts: no path, no machine."""
        if self.kind == "folder":
            return {"kind": self.kind}
        told = {"kind": self.kind, "species": self.species, "layer": self.layer}
        return told | {"qc": asdict(self.qc)}


def read_accessions(settings: SourceConfig) -> tuple[str, ...]:
    """The accessions that are asked for, sorted; none: all.

    Raises
    ------
    InputError
        The file of accessions can't be read, is empty, or something is no accession.
    """
    given = settings.accessions
    if isinstance(given, Path):
        try:
            lines = given.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the file of accessions {given} can't be read: {error}") from error
        words = [line.partition("#")[0].split() for line in lines]
        given = tuple(found[0] for found in words if found)
        if not given:
            raise InputError(f"{settings.accessions} lists no accession; write one a line")
    for accession in given:
        if not _ACCESSION.fullmatch(accession):
            raise InputError(
                f"{accession!r} is no accession of a project (SRP…) or series (GSE…); mend "
                "accessions in [source]"
            )
    return tuple(sorted(set(given)))


def selection_hash(settings: SourceConfig) -> str:
    """Hash of what decides which files are fetched."""
    return hash_json(
        {
            "species": settings.species,
            "accessions": read_accessions(settings),
            "counts": settings.counts,
            "qc": asdict(settings.qc),
            "max_runs": settings.max_runs,
        }
    )

"""`[source]` of dexome.toml: where studies come from, and what of them is used."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pipeline.sources.qc import QcSettings
from pipeline.sources.remote_files import check_address, is_address
from pipeline.sources.species import SPECIES
from storage.credentials import check_endpoint
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

    A folder may be on remote storage: then `address` is what fsspec calls it, in dexome.toml a `path` too,
    and each machine keeps copies of `cache_gib` of its files. `raw` is such an address in the place of the
    workspace's raw/. `endpoint` and `region` are those of another S3 than Amazon's; in dexome.toml those of
    `[storage]` do without them.

    `accessions` are projects (SRP) and series (GSE), or the file that lists them, one a line; without
    any, all of the species. `dee2` and `geo` are the addresses of the servers, or folders that hold
    the same; `run_tables` is a folder of SRA's run tables, SRP….csv. `counts` come in an archive for
    each project, or are cut from the one bulk file.
    """

    kind: Literal["folder", "dee2"] = "folder"
    path: Path = Path()
    address: str = ""
    raw: str = ""
    endpoint: str | None = None
    region: str | None = None
    cache_gib: float = 4.0
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
        given = (self.path != Path()) + bool(self.address)
        if given != (self.kind == "folder"):
            what = "needs path, the folder of studies" if self.kind == "folder" else "has no path"
            raise ValueError(f'kind "{self.kind}" {what}')
        for address in filter(None, (self.address, self.raw)):
            check_address(address)
        if self.raw and (self.kind == "folder" or self.counts == "bulk"):
            raise ValueError(
                'raw needs kind "dee2" and counts = "archives": a bulk file is cut on a disk'
            )
        if self.endpoint is not None:
            try:
                check_endpoint(self.endpoint)
            except InputError as error:
                raise ValueError(str(error)) from None
        if not self.cache_gib > 0:
            raise ValueError(f"cache_gib must be above 0, got {self.cache_gib:g}")
        for name, address in (("dee2", self.dee2), ("geo", self.geo)):
            if "://" in address:
                _check_server(name, address)
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

    @property
    def is_remote(self) -> bool:
        """Whether each machine fetches the studies' files for itself."""
        return bool(self.address or self.raw)

    @property
    def place(self) -> str:
        """Where the studies' files are, for messages."""
        return self.address or self.raw or str(self.path)

    def scientific(self) -> dict[str, Any]:
        """The settings that decide the counts: no path, no machine."""
        if self.kind == "folder":
            return {"kind": self.kind}
        told = {"kind": self.kind, "species": self.species, "layer": self.layer}
        return told | {"qc": asdict(self.qc)}


def _check_server(name: str, address: str) -> None:
    """Raise `ValueError` if an address is of no web server; one with credentials is not shown."""
    if "@" in address:
        raise ValueError(f"{name} has an @ in it, as of credentials; give the address without them")
    try:
        parts = urlsplit(address)
        host, _ = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:
        host = b""
    if not host or not re.fullmatch(r"https?://[!-~]+", address):
        raise ValueError(
            f"{name} must be an http address or a folder, and an address in plain ASCII (%20 for a blank), "
            f"got {address!r}"
        )


def name_address(source: dict[str, Any]) -> None:
    """Call a `path` of a table `[source]` that is an address what it is: as a path it would lose a slash.

    Addresses are checked before anything else sees them: they may have credentials in them.

    Raises
    ------
    ValueError
        One is refused.
    """
    if is_address(str(source.get("path", ""))):
        source["address"] = source.pop("path")
    for name in ("address", "raw"):
        if name in source:
            check_address(str(source[name]))
            source[name] = str(source[name]).rstrip("/")


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
        for found in words:
            more = [word for word in found[1:] if _ACCESSION.fullmatch(word.strip(",;"))]
            if more:
                raise InputError(
                    f"{given} has {found[0]} and {more[0]} in one line; write one accession a line, and "
                    "notes behind #"
                )
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

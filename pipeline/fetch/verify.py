"""Is a file what was asked for? Each check reads all of it, within bounds, and raises a `Refusal` if not."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path

import h5py

from pipeline.fetch.downloads import FinalRefusal
from pipeline.sources.archive import (
    COUNTS,
    DAMAGE,
    MAX_MEMBER_BYTES,
    check_size,
    find_member,
    header_runs,
    open_archive,
)
from pipeline.sources.geo_file import read_geo
from pipeline.sources.project_table import read_project_table
from pipeline.sources.refusal import Refusal
from pipeline.sources.run_list import read_run_list
from pipeline.sources.settings import Layer
from storage.errors import InputError

_BLOCK = 1 << 20
_MAX_UNZIPPED = 16 << 30
_SUM = re.compile(r"[0-9a-fA-F]{32}\s")
_BUNDLE = re.compile(r"\b(([SED]RP\d+)_(?:GSE\d+|NA)\.zip)\b")


def check_bundle(path: Path, layer: Layer) -> None:
    """A sound archive with counts of the layer."""
    _check_archive(path, layer)


def _check_archive(path: Path, layer: Layer) -> list[str]:
    """The runs that a sound archive counts."""
    with open_archive(path) as archive:
        infos = archive.infolist()
        if sum(info.file_size for info in infos) > _MAX_UNZIPPED or any(
            info.file_size > MAX_MEMBER_BYTES for info in infos
        ):
            raise _not(path, "says that it holds more than any archive of DEE2")
        check_size(archive, layer, path.name)
        try:
            damaged = archive.testzip()
        except DAMAGE as e:
            raise _not(path, f"is damaged ({e})") from e
        if damaged is not None:
            raise _not(path, f"has a damaged member {damaged}")
        runs = header_runs(archive, layer, path.name)
        with archive.open(find_member(archive, COUNTS[layer], path.name)) as file:
            file.readline()
            rows = file.readline(1 << 24).count(b"\t")
    if not runs or "" in runs or len(set(runs)) < len(runs):
        raise FinalRefusal("damaged_download", "its count matrix has no runs, or one twice")
    if rows != len(runs):
        raise FinalRefusal("damaged_download", "its count matrix is empty or ragged")
    return runs


def check_request(path: Path, layer: Layer, asked: Collection[str]) -> None:
    """A sound archive that counts runs that were asked for, and no others; it may lack some."""
    surplus = set(_check_archive(path, layer)) - set(asked)
    if surplus:
        raise FinalRefusal(
            "damaged_download",
            f"it counts run {min(surplus)}, which was not asked for, among {len(asked)} that were",
        )


def check_geo(path: Path) -> None:
    """A whole series matrix or family SOFT file with samples."""
    _check_gzip(path)
    read_geo(path)


def check_run_list(path: Path) -> None:
    """A run list that ends with a line's end."""
    try:
        if next(read_run_list(path), None) is None:
            raise _not(path, "is a run list without runs")
    except InputError as error:
        raise _not(path, "is no run list of DEE2") from error
    with path.open("rb") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            raise _not(path, "is a run list that was cut off")


def check_project_table(path: Path) -> None:
    """A table of projects."""
    try:
        read_project_table(path)
    except InputError as error:
        raise _not(path, "is no project table of DEE2") from error


def check_bundles(path: Path, before: Path) -> None:
    """A listing of the folder of bundles: a page with links, to bundles if the page of `before` has any."""
    page = path.read_text(errors="replace")
    if "href=" not in page.lower():
        raise _not(path, "is no listing of a folder")
    known = listed_bundles(before.read_text(errors="replace")) if before.is_file() else {}
    if known and not listed_bundles(page):
        raise _not(path, f"lists no bundle, where there were those of {len(known)} projects")


def check_sums(path: Path) -> None:
    """A list of MD5 sums; a page of maintenance is none, and would pass any file."""
    lines = path.read_text(errors="replace").splitlines()
    if not any(_SUM.match(line) for line in lines):
        raise _not(path, "is no list of MD5 sums")


def check_hdf5(path: Path) -> None:
    """An HDF5 file whose inner table of contents can be read."""
    try:
        with h5py.File(path, "r") as file:
            list(file)
    except (OSError, RuntimeError) as error:
        raise _not(path, "is no HDF5 file") from error


def check_bzip2(path: Path) -> None:
    """A file that begins as bzip2 does; its blocks have checksums that are checked when it is read."""
    with path.open("rb") as file:
        if file.read(3) != b"BZh":
            raise _not(path, "is no bzip2 file")


def check_md5(path: Path, sums: Path, name: str) -> None:
    """The file that DEE2's list of MD5 sums names; one that it does not name passes."""
    for line in sums.read_text(errors="replace").splitlines():
        digest, _, named = line.partition(" ")
        if named.strip().lstrip("*").rpartition("/")[2] == name:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "md5").hexdigest() != digest.lower():
                    raise _not(path, f"has not the MD5 sum of {name}")


def listed_bundles(listing: str) -> dict[str, list[str]]:
    """Names of the bundles of each project, from the links of a listing."""
    found: dict[str, set[str]] = {}
    for link in links(listing):
        name = _BUNDLE.fullmatch(link)
        if name:
            found.setdefault(name[2], set()).add(name[1])
    return {project: sorted(names) for project, names in found.items()}


def links(listing: str) -> Iterable[str]:
    """Targets of the links of a page, without the folders before them."""
    for target in re.findall(r"href\s*=\s*[\"']?([^\"'>\s]+)", listing, re.IGNORECASE):
        yield target.rpartition("/")[2]


def _check_gzip(path: Path) -> None:
    """A gzip file that is whole: its length and checksum are those of what it holds."""
    total = 0
    try:
        with gzip.open(path) as file:
            while block := file.read(_BLOCK):
                total += len(block)
                if total > _MAX_UNZIPPED:
                    raise _not(path, "holds more than any file of GEO")
    except (EOFError, zlib.error, OSError) as error:
        raise _not(path, f"is no whole gzip file ({error})") from error


def _not(path: Path, what: str) -> Refusal:
    del path  # its name is that of the partial file; the caller names the address
    return Refusal("damaged_download", f"what came {what}")

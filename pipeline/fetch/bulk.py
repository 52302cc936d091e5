"""The one bulk file of a species: fetched, then cut in one pass into what each study has in each block."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.fetch.downloads import Downloads
from pipeline.fetch.verify import check_bzip2, check_hdf5, check_md5, check_sums
from pipeline.sources.bulk_cut import encode_cut, encode_genes
from pipeline.sources.bulk_hdf5 import BLOCK_BYTES, Block, read_hdf5
from pipeline.sources.bulk_text import read_long_text
from pipeline.sources.receipt import RawFile
from pipeline.sources.refusal import Refusal
from pipeline.sources.settings import SourceConfig
from storage.disk import Disk
from storage.hashing import hash_json

MAX_BULK = 1 << 42
_FOLDER = "dee2/bulk"
_CHECKSUMS = "checksums.md5"
_DONE = "done.json"


@dataclass(frozen=True, slots=True)
class BulkFile:
    """A bulk file that is here, and whether it is of the old kind."""

    file: RawFile
    is_text: bool


def fetch_bulk(
    downloads: Downloads, settings: SourceConfig, tell: Callable[[int, int], None]
) -> BulkFile:
    """Fetch the bulk file of STAR's counts: HDF5, or on an older mirror the long text.

    Parameters
    ----------
    tell
        Called with the bytes that are here, and of all.

    Raises
    ------
    Refusal
        Neither is there, or it can't be had.
    """
    name = f"{settings.species}_se"
    sums = _checksums(downloads, settings)

    def get(ending: str, check: Callable[[Path], None]) -> RawFile:
        def checked(path: Path) -> None:
            check(path)
            if sums is not None:
                check_md5(path, sums, f"{name}.{ending}")

        return downloads.get(
            f"{settings.dee2}/mx/{name}.{ending}",
            f"dee2/mx/{name}.{ending}",
            checked,
            max_bytes=MAX_BULK,
            tell=tell,
        )

    try:
        return BulkFile(get("h5", check_hdf5), is_text=False)
    except Refusal as refusal:
        if refusal.code not in ("not_on_server", "not_fetched"):
            raise
    return BulkFile(get("tsv.bz2", check_bzip2), is_text=True)


def cut_bulk(
    disk: Disk,
    bulk: BulkFile,
    study_of: Mapping[str, str],
    report: Callable[[int], None],
    *,
    block_bytes: int = BLOCK_BYTES,
) -> dict[str, tuple[RawFile, ...]]:
    """Cut the file by study, in one pass; a pass that was killed goes on after its last whole block.

    Parameters
    ----------
    study_of
        The study of each wanted run.
    report
        Called with the number of runs that the pass has gone by.
    """
    folder = f"{_FOLDER}/{hash_json([bulk.file.sha256, sorted(study_of.items())])[:16]}"
    done_key = f"{folder}/{_DONE}"
    done = json.loads(disk.read(done_key) or b'{"runs": 0, "all": false}')
    if not done["all"]:
        path = disk.path(bulk.file.key)
        read = read_long_text if bulk.is_text else read_hdf5
        n_runs = int(done["runs"])
        for block in read(path, study_of.keys(), start=n_runs, block_bytes=block_bytes):
            _write_cuts(disk, folder, block, study_of)
            n_runs = block.stop
            disk.put(done_key, json.dumps({"runs": n_runs, "all": False}).encode())
            report(n_runs)
        disk.put(done_key, json.dumps({"runs": n_runs, "all": True}).encode())
    return _cuts(disk, folder)


def delete_cuts(disk: Disk, new: Iterable[RawFile], kept: Iterable[RawFile]) -> None:
    """Delete what earlier passes cut and no study has, of all passes but that of the `new` cuts."""
    latest = {Path(file.key).parts[2] for file in new}
    in_use = {str(Path(file.key).parent) for file in kept}
    for folder in (f"{_FOLDER}/{name}" for name in disk.folders(_FOLDER) if name not in latest):
        there = {f"{folder}/{study}" for study in disk.folders(folder)}
        if there <= in_use:
            continue
        # First, so that a pass that is wanted again does not count as done.
        disk.delete(f"{folder}/{_DONE}")
        for unused in sorted(there - in_use) if there & in_use else [folder]:
            disk.delete(unused)


def _write_cuts(disk: Disk, folder: str, block: Block, study_of: Mapping[str, str]) -> None:
    genes_name, genes = encode_genes(block.genes)
    if not disk.path(f"{folder}/{genes_name}").exists():
        disk.put(f"{folder}/{genes_name}", genes)
    rows: dict[str, list[int]] = {}
    for i, run in enumerate(block.runs):
        rows.setdefault(study_of[run], []).append(i)
    for study, at in rows.items():
        data = encode_cut(genes_name, [block.runs[i] for i in at], block.counts[at])
        disk.put(f"{folder}/{study}/{block.first:09d}.arrow", data)


def _cuts(disk: Disk, folder: str) -> dict[str, tuple[RawFile, ...]]:
    """The cuts of each study, with the runs that each holds."""
    cuts: dict[str, list[RawFile]] = {}
    for key in disk.list(folder):
        if key.endswith(".arrow"):
            cuts.setdefault(Path(key).parent.name, []).append(_described(disk, key))
    return {study: tuple(files) for study, files in cuts.items()}


def _described(disk: Disk, key: str) -> RawFile:
    path = disk.path(key)
    with pa.memory_map(str(path)) as source:
        runs = tuple(pa.ipc.open_file(source).schema.names)
    digest = disk.sha256(key)
    assert digest is not None
    return RawFile(key=key, sha256=digest, size=path.stat().st_size, runs=runs)


def _checksums(downloads: Downloads, settings: SourceConfig) -> Path | None:
    """DEE2's list of MD5 sums, where it has one; a server that is down may have one."""
    try:
        sums = downloads.get(
            f"{settings.dee2}/mx/{_CHECKSUMS}",
            f"dee2/mx/{_CHECKSUMS}",
            check_sums,
            max_bytes=1 << 24,
            renew=True,
        )
    except Refusal as refusal:
        if refusal.code not in ("not_on_server", "not_fetched"):
            raise
        return None
    return downloads.disk.path(sums.key)


def runs_of(cuts: Sequence[RawFile]) -> Iterator[str]:
    """Runs that cuts hold."""
    for cut in cuts:
        yield from cut.runs

"""A training copy of a bucket, brought to this machine once: its rows are read by offset from local files."""

import hashlib
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from storage.disk import Disk
from storage.errors import StoreError
from storage.files import Files
from storage.hash_once import sha256_once

# In the local folder of a workspace; what is in it may be deleted at any time.
CACHE = "cache"
# Files on the way at a time; each is held in memory until it is verified.
_CONCURRENCY = 8


def localise(
    disk: Files, folder: str, files: Mapping[str, tuple[str, int]], cache: Path | None
) -> Path:
    """Bring the files of `folder` into `cache`, those that are not there already; where they lie.

    Every file is verified, on its way and, once in a process, where it was there. Batches are drawn at
    random from all rows, so that all of a copy is asked for in the first epoch: it is brought whole.

    Parameters
    ----------
    files
        SHA-256 and size by name below the folder.

    Raises
    ------
    StoreError
        A file is missing or damaged, or there is no room for it; the message names it.
    """
    if cache is None:
        raise StoreError(f"{disk.address(folder)} is read from a local cache: give a folder for it")
    local = Disk(cache)
    missing = [name for name in files if local.size(f"{folder}/{name}") != files[name][1]]
    _check_room(cache, sum(files[name][1] for name in missing), disk.address(folder))

    def bring(name: str) -> None:
        sha256, _ = files[name]
        key = f"{folder}/{name}"
        if sha256_once(local, key) == sha256:
            return
        data = disk.read(key)
        if data is None or hashlib.sha256(data).hexdigest() != sha256:
            what = "is missing" if data is None else "is damaged: its checksum does not match"
            raise StoreError(f"{disk.address(key)} {what}; run `dexome prepare --rebuild`")
        local.stage(key, data)

    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        for _ in pool.map(bring, sorted(files)):
            pass
    return local.path(folder)


def _check_room(cache: Path, n_bytes: int, what: str) -> None:
    there = next(path for path in (cache, *cache.parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    if n_bytes > free:
        raise StoreError(
            f"{what} takes {n_bytes / 1e9:.1f} GB in {cache}, where {free / 1e9:.1f} GB are free; make "
            "room there"
        )

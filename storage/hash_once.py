"""SHA-256 of local files that are asked for again and again: taken anew only where a file has changed."""

from functools import lru_cache
from pathlib import Path

from storage.disk import Disk
from storage.hashing import hash_file


def sha256_once(disk: Disk, key: str) -> str | None:
    """SHA-256 of the bytes under `key`; a file that this process has hashed is not read again.

    It is while its inode, size and time of change are the same, so that the trials of a sweep don't each
    read the whole copy. None where there is nothing.
    """
    path = disk.path(key)
    try:
        found = path.stat()
        return _sha256(path, found.st_ino, found.st_size, found.st_ctime_ns)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


@lru_cache(maxsize=1 << 16)
def _sha256(path: Path, inode: int, size: int, changed_ns: int) -> str:
    del inode, size, changed_ns
    return hash_file(path)

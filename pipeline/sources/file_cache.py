"""Copies of remote files on this machine: fetched once, a bounded number of bytes of them."""

import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from storage.errors import StoreError

_TEMPORARY = ".tmp-"
# Nobody writes, or reads, one study for so long: what is older was left by a process that was killed.
_STALE_S = 86_400.0
# Two threads that want one file meet at one lock; that two files share one does little harm.
_LOCKS = tuple(threading.Lock() for _ in range(64))
# The folder is looked through after each of so many parts of its size that came.
_LOOKS = 16
# Of one study, at a time: each waits for an answer, and does nothing else.
_CONNECTIONS = 4
# Key, how to fetch it, and the link that is wanted.
Wanted = tuple[str, Callable[[Path], None], Path | None]
_unseen: dict[Path, int] = {}
_serial = count()


@dataclass(frozen=True, kw_only=True, slots=True)
class FileCache:
    """Files by key below `root`, of `max_bytes` or little more; those that nobody used for longest go first.

    Processes may share it: a file is fetched under a temporary name and renamed, and who reads one has a
    hard link of its own, which stays when the file goes.
    """

    root: Path
    max_bytes: int

    def bring(self, key: str, fetch: Callable[[Path], None], target: Path | None = None) -> None:
        """Have the file of `key` here, and link it as `target`; `fetch` writes it where it is not.

        Of two threads that want one file the second waits for the first.
        """
        path = self.root / key
        with _LOCKS[hash(path) % len(_LOCKS)]:
            if _take(path, target):
                return
            self.root.mkdir(parents=True, exist_ok=True)
            temporary = self._temporary()
            try:
                fetch(temporary)
                n_bytes = temporary.stat().st_size
                if target is not None:
                    os.link(temporary, target)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        _unseen[self.root] = _unseen.get(self.root, self.max_bytes) + n_bytes
        if _unseen[self.root] * _LOOKS > self.max_bytes:
            _unseen[self.root] = 0
            self.make_room()

    def bring_all(self, wanted: Sequence[Wanted]) -> None:
        """The same of several files at once."""
        if len(wanted) < 2:
            for key, fetch, target in wanted:
                self.bring(key, fetch, target)
            return
        with ThreadPoolExecutor(min(len(wanted), _CONNECTIONS), "fetch") as pool:
            list(pool.map(lambda file: self.bring(*file), wanted))

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder for links, gone afterwards."""
        folder = self._temporary()
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def make_room(self) -> None:
        """Delete the longest unused files beyond `max_bytes`, and what killed processes left."""
        now, found = time.time(), []
        for entry in os.scandir(self.root):
            try:
                state = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if not entry.name.startswith(_TEMPORARY):
                found.append((state.st_mtime, state.st_size, Path(entry.path)))
            elif now - state.st_mtime > _STALE_S:
                _delete(Path(entry.path))
        left = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if left <= self.max_bytes:
                return
            path.unlink(missing_ok=True)
            left -= size

    def _temporary(self) -> Path:
        return self.root / f"{_TEMPORARY}{socket.gethostname()}-{os.getpid()}-{next(_serial)}"


def study_cache(max_gib: float) -> FileCache:
    """The copies of this user on this machine, which may be another one than the driver's."""
    return FileCache(root=own_folder("studies"), max_bytes=int(max_gib * 2**30))


def own_folder(name: str) -> Path:
    """A folder of this user alone below the system's folder for temporary files (`TMPDIR`).

    Raises
    ------
    StoreError
        Somebody else has made it.
    """
    top = Path(tempfile.gettempdir()) / f"dexome-{os.getuid()}"
    top.mkdir(mode=0o700, exist_ok=True)
    state = top.lstat()
    if top.is_symlink() or state.st_uid != os.getuid():
        raise StoreError(f"{top} is another user's; delete it, or set TMPDIR to a folder of yours")
    return top / name


def _take(path: Path, target: Path | None) -> bool:
    """Note that a file is used, and link it; False: it is not here."""
    try:
        os.utime(path)
        if target is not None:
            os.link(path, target)
    except FileNotFoundError:
        return False
    return True


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

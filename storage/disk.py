"""A local disk as a place of files: durable, atomic commits, each step of which can be watched."""

import contextlib
import errno
import fcntl
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil

from storage.errors import StoreError
from storage.hashing import hash_file

# Called before every step on the disk with its kind (write, sync, rename, link, delete) and path.
# Tests put a kill or an error there; nothing else may set it.
step_hook: Callable[[str, Path], None] | None = None

TEMPORARY = ".tmp-"
# What a killed collection left on its way out: hidden, and deleted by the next one.
RETIRED = ".deleting-"
_serial = count()


@dataclass(frozen=True, slots=True)
class Disk:
    """Files (`storage.files`) on a local disk, below the folder `root`."""

    root: Path

    def path(self, key: str) -> Path:
        """Where `key` lies."""
        return self.root / key

    def address(self, key: str = "") -> str:
        return str(self.path(key))

    def read(self, key: str) -> bytes | None:
        try:
            return self.path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _cannot_read(self.path(key), error) from error

    def read_range(self, key: str, start: int, stop: int | None) -> bytes | None:
        try:
            with self.path(key).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                first = max(start + size, 0) if start < 0 else min(start, size)
                file.seek(first)
                return file.read(-1 if stop is None else max(stop - first, 0))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise _cannot_read(self.path(key), error) from error

    def size(self, key: str) -> int | None:
        path = self.path(key)
        return path.stat().st_size if path.is_file() else None

    def folders(self, prefix: str) -> list[str]:
        folder = self.path(prefix)
        return sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []

    def list(self, prefix: str) -> list[str]:
        return sorted(
            path.relative_to(self.root).as_posix()
            for path in self.path(prefix).rglob("*")
            if not path.name.startswith(TEMPORARY) and path.is_file()
        )

    def is_complete(self, folder: str) -> bool:
        return self.path(folder).is_dir()

    def stage(self, key: str, data: bytes) -> None:
        target = self.path(key)
        with _named(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._temporary(target, data, durable=False) as temporary:
                step("rename", target)
                temporary.replace(target)

    def put(self, key: str, data: bytes) -> None:
        target = self.path(key)
        with _named(target), self._temporary(target, data) as temporary:
            step("rename", target)
            temporary.replace(target)
            _sync(target.parent)

    def make_folder(self, key: str) -> Path:
        """Make a folder that is not there yet, for files that are not to last, and say where it is."""
        folder = self.path(key)
        with _named(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def adopt(self, path: Path, key: str) -> None:
        """Make a finished file of the same file system durable, then visible as `key`; `path` is gone."""
        target = self.path(key)
        with _named(target):
            self._make_folder(target.parent)
            _sync(path)
            step("rename", target)
            path.replace(target)
            _sync(target.parent)

    def create(self, key: str, data: bytes) -> bool:
        target = self.path(key)
        with _named(target), self._temporary(target, data) as temporary:
            step("link", target)
            try:
                # A link fails where its target exists, and brings the whole content with it.
                _link(temporary, target)
            except FileExistsError:
                return False
            _sync(target.parent)
            return True

    def swap(self, key: str, data: bytes | None, expected: bytes) -> bool:
        with self._exclusive():
            if self.read(key) != expected:
                return False
            if data is None:
                self.delete(key)
            else:
                self.put(key, data)
            return True

    def link(self, source: str, target: str) -> None:
        path = self.path(target)
        with _named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            step("link", path)
            path.unlink(missing_ok=True)
            _link(self.path(source), path)

    def settle(self, building: str) -> None:
        source = self.path(building)
        with _named(source):
            for path in [source, *source.rglob("*")]:
                _sync(path)

    def publish(self, building: str, final: str, *, settled: bool = False) -> None:
        if not settled:
            self.settle(building)
        self._rename(building, final)

    def hide(self, folder: str) -> Sequence[str]:
        parent, slash, name = folder.rpartition("/")
        hidden = f"{parent}{slash}{RETIRED}{name}"
        # What a killed collection left there.
        self.delete(hidden)
        if self.path(folder).is_dir():
            self._rename(folder, hidden)
        return [hidden]

    def _rename(self, folder: str, to: str) -> None:
        target = self.path(to)
        with _named(target):
            step("rename", target)
            self.path(folder).rename(target)
            _sync(target.parent)

    def delete(self, prefix: str) -> None:
        path = self.path(prefix)
        with _named(path):
            step("delete", path)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def sweep(self, prefix: str) -> int:
        """Delete the temporary files below `prefix` whose writer, on this host, is dead; count them."""
        stale = [
            path
            for path in self.path(prefix).rglob(f"{TEMPORARY}*")
            if not writer_may_live(path.name)
        ]
        for path in stale:
            with _named(path):
                step("delete", path)
                path.unlink(missing_ok=True)
        return len(stale)

    def sha256(self, key: str) -> str | None:
        """SHA-256 of the bytes under `key`, in hexadecimal; None where there is nothing."""
        try:
            return hash_file(self.path(key))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise _cannot_read(self.path(key), error) from error

    @contextlib.contextmanager
    def _temporary(self, target: Path, data: bytes, *, durable: bool = True) -> Iterator[Path]:
        """A file of `data` beside `target`, gone afterwards."""
        if durable:
            self._make_folder(target.parent)
        temporary = target.with_name(temporary_name())
        try:
            step("write", target)
            with temporary.open("xb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    step("sync", target)
                    os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Hold the folder's advisory lock, so that one process at a time compares and swaps."""
        with _named(self.root):
            self._make_folder(self.root)
            with (self.root / ".swap").open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield


def step(kind: str, path: Path) -> None:
    """Say what is about to be done, to whoever watches."""
    if step_hook is not None:
        step_hook(kind, path)


def _sync(path: Path) -> None:
    step("sync", path)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_name() -> str:
    """A name for what this process writes and deletes again; it tells who wrote it."""
    return f"{TEMPORARY}{socket.gethostname()}-{os.getpid()}-{next(_serial)}"


def writer_may_live(name: str) -> bool:
    """Whether the process that a temporary file's name carries may still write it."""
    host, _, pid = name.removeprefix(TEMPORARY).rpartition("-")[0].rpartition("-")
    return host != socket.gethostname() or psutil.pid_exists(int(pid))


def _cannot_read(path: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot read {path}: {error.strerror}")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        raise StoreError(
            f"cannot link {target}: its file system has no hard links, by which what is written appears as a "
            "whole; choose a workspace on another"
        ) from error


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn the system's refusals to write into errors that name the file and the cure."""
    cures = {
        errno.ENOSPC: "the disk is full; free space and run the same command again",
        errno.EDQUOT: "the quota is used up; free space and run the same command again",
        errno.EROFS: "the file system is read-only; choose a workspace that you can write",
        errno.EACCES: "permission denied; choose a workspace that you can write",
        errno.EPERM: "not permitted; choose a workspace that you can write",
        errno.ENOTDIR: "a file stands where a folder is needed; move it away",
        errno.EEXIST: "a file stands where a folder is needed; move it away",
    }
    try:
        yield
    except OSError as error:
        cure = cures.get(
            error.errno or 0, f"{error.strerror}; mend that and run the same command again"
        )
        raise StoreError(f"cannot write {path}: {cure}") from error

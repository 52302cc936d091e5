"""A bucket as a place of files: every commit is a conditional put, read back after an error."""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from storage.concurrent import map_concurrently
from storage.credentials import check_address, check_endpoint, without_secrets
from storage.disk import TEMPORARY, Disk, step, temporary_name, writer_may_live
from storage.errors import InputError, StoreError
from storage.files import Files
from storage.object_client import get_range, is_final, is_refused, open_client

if TYPE_CHECKING:
    from obstore.store import ObjectStore

# How often a conditional put is tried after an answer that was no answer; the client retries within each.
_TRIES = 4
# The metadata of a Zarr store, which come last and go first.
_ROOT = "zarr.json"
_CURE = "check the address, the connection and the rights, and run the same command again"
_proven: set["Bucket"] = set()
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Files (`storage.files`) below the prefix `url` of an object store.

    Credentials come from the environment of each process, and are no part of this: it may be sent and
    printed. A store that does not keep conditional puts can't tell two writers apart: `create` and `swap`
    refuse it, unless `single_writer` promises that there is only one.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None
    single_writer: bool = False

    def __post_init__(self) -> None:
        check_address(self.url)
        if self.endpoint is not None:
            check_endpoint(self.endpoint)
        object.__setattr__(self, "url", self.url.rstrip("/"))

    def address(self, key: str = "") -> str:
        return f"{self.url}/{key}" if key else self.url

    def read(self, key: str) -> bytes | None:
        found = self._get(key)
        # An empty object is what `swap` leaves of one that it deletes.
        return found[0] or None if found else None

    def read_range(self, key: str, start: int, stop: int | None) -> bytes | None:
        if stop is not None and stop <= start:
            return b""
        return self._ask("read", key, lambda: get_range(self._store, key, start, stop))

    def size(self, key: str) -> int | None:
        import obstore

        found = self._ask("read", key, lambda: obstore.head(self._store, key))
        return None if found is None or not found["size"] else int(found["size"])

    def sha256(self, key: str) -> str | None:
        data = self.read(key)
        return None if data is None else hashlib.sha256(data).hexdigest()

    def folders(self, prefix: str) -> list[str]:
        import obstore

        found = self._ask(
            "list", prefix, lambda: obstore.list_with_delimiter(self._store, prefix or None)
        )
        return sorted(path.rpartition("/")[2] for path in found["common_prefixes"]) if found else []

    def list(self, prefix: str) -> list[str]:
        import obstore

        found = self._ask(
            "list", prefix, lambda: obstore.list(self._store, prefix or None).collect()
        )
        return sorted(
            meta["path"]
            for meta in found or ()
            if meta["size"] and not meta["path"].rpartition("/")[2].startswith(TEMPORARY)
        )

    def is_complete(self, folder: str) -> bool:
        return self.size(f"{folder}/{_ROOT}") is not None

    def stage(self, key: str, data: bytes) -> None:
        # Whoever writes this key writes these bytes: once more does no harm.
        self._put(key, data, "overwrite")

    def put(self, key: str, data: bytes) -> None:
        if self.single_writer:
            self.stage(key, data)
            return
        for _ in range(_TRIES):
            if self._put(key, data, "create"):
                return
            found = self._get(key)
            if found and self._put(key, data, {"e_tag": found[1]}):
                return
        raise StoreError(
            f"{self.address(key)} is changed by another program again and again; end that, and run the "
            "same command again"
        )

    def create(self, key: str, data: bytes) -> bool:
        self._refuse_weak_store()
        found = self._get(key) if self.single_writer else None
        if found is None and self._put(key, data, "create"):
            return True
        # What `swap` has deleted is still an object, and has a version.
        found = found or self._get(key)
        return found is not None and not found[0] and self._put(key, data, {"e_tag": found[1]})

    def swap(self, key: str, data: bytes | None, expected: bytes) -> bool:
        self._refuse_weak_store()
        found = self._get(key)
        if found is None or found[0] != expected:
            return False
        # A conditional deletion does not exist everywhere; a conditional put of nothing does.
        return self._put(key, data or b"", {"e_tag": found[1]})

    def link(self, source: str, target: str) -> None:
        import obstore

        def copy() -> bool:
            obstore.copy(self._store, source, target)
            return True

        if not self._write("copy", target, copy, lambda: False):
            raise StoreError(f"{self.address(source)} is missing; run the same command again")

    def publish(self, building: str, final: str, *, settled: bool = False) -> None:
        del settled
        keys = self.list(building)
        roots = [key for key in keys if _is_root(key)]

        def copy(key: str) -> None:
            self.link(key, f"{final}{key.removeprefix(building)}")

        map_concurrently(copy, [key for key in keys if key not in roots])
        # A store is there when its root is: that comes last.
        for key in roots:
            copy(key)
        self._delete_all(keys)

    def settle(self, building: str) -> None:
        del building

    def hide(self, folder: str) -> Sequence[str]:
        self.delete(folder)
        return []

    def delete(self, prefix: str) -> None:
        keys = self.list(prefix)
        roots = [key for key in keys if _is_root(key)]
        # A store is out of sight before any of it is gone.
        for some in (roots, [key for key in keys if key not in roots] or [prefix]):
            self._delete_all(some)

    def sweep(self, prefix: str) -> int:
        """Delete what a dead process of this host tried the store out with, which lies at the top."""
        import obstore

        if prefix:
            return 0
        found = self._ask("list", "", lambda: obstore.list_with_delimiter(self._store))
        names = [meta["path"].rpartition("/")[2] for meta in found["objects"]] if found else []
        stale = [n for n in names if n.startswith(TEMPORARY) and not writer_may_live(n)]
        self._delete_all(stale)
        return len(stale)

    @property
    def _store(self) -> "ObjectStore":
        return open_client(self.url, self.endpoint, self.region)

    def _get(self, key: str) -> tuple[bytes, str | None] | None:
        """Bytes under a key, and their version."""
        import obstore

        def get() -> tuple[bytes, str | None]:
            got = obstore.get(self._store, key)
            return bytes(got.bytes()), got.meta["e_tag"]

        return self._ask("read", key, get)

    def _put(self, key: str, data: bytes, mode: Any) -> bool:
        """Put on a condition; say whether it held, or the object is this very one already."""
        import obstore

        if self.single_writer:
            mode = "overwrite"

        def put() -> bool:
            try:
                obstore.put(self._store, key, data, mode=mode, use_multipart=False)
            except FileNotFoundError:
                if isinstance(mode, dict):
                    return False
                raise InputError(
                    f"{self.address()}: there is no such bucket; make it, or mend address in [storage]"
                ) from None
            return True

        def is_ours() -> bool:
            found = self._get(key)
            return found is not None and found[0] == data

        return self._write("put", key, put, is_ours)

    def _delete_all(self, keys: Sequence[str]) -> None:
        """Delete objects, at a thousand a request; one that is gone is no error."""
        import obstore

        def delete() -> bool:
            obstore.delete(self._store, keys)
            return True

        if keys:
            self._write("delete", keys[0], delete, lambda: False)

    def _write(
        self, kind: str, key: str, request: Callable[[], bool], is_done: Callable[[], bool]
    ) -> bool:
        """Make a request until it is answered, or is seen to have been done; False: its condition failed."""
        from obstore import exceptions

        for attempt in range(_TRIES):
            try:
                step(kind, Path(key))
                return request()
            except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
                # Perhaps by an earlier try of ours, whose answer was lost.
                return is_done()
            except FileNotFoundError:
                return False
            except exceptions.BaseError as error:
                if is_done():
                    return True
                if attempt == _TRIES - 1 or is_final(error):
                    raise self._failed("write", key, error) from None
        raise AssertionError("unreachable")

    def _ask(self, what: str, key: str, request: Callable[[], _Result]) -> _Result | None:
        """The answer to a request that changes nothing; None where there is nothing."""
        from obstore import exceptions

        for attempt in range(_TRIES):
            try:
                return request()
            except FileNotFoundError:
                return None
            except exceptions.BaseError as error:
                if attempt == _TRIES - 1 or is_final(error):
                    raise self._failed(what, key, error) from None
        raise AssertionError("unreachable")

    def _failed(self, what: str, key: str, error: Exception) -> StoreError:
        return StoreError(f"cannot {what} {self.address(key)}: {without_secrets(error)}; {_CURE}")

    def _refuse_weak_store(self) -> None:
        """Try out, once in a process, whether the store keeps conditional puts."""
        if self.single_writer or self in _proven:
            return
        key = temporary_name()
        self.stage(key, b"there")
        kept = self._ask(
            "write", key, lambda: is_refused(self._store, key, "create")
        ) and self._ask(
            "write", key, lambda: is_refused(self._store, key, {"e_tag": f'"{uuid.uuid4().hex}"'})
        )
        self._delete_all([key])
        if not kept:
            raise InputError(
                f"{self.address()} does not keep conditional puts (If-None-Match, If-Match), so that two "
                "runs could not see each other; use a store that does, or, if you know that nobody else "
                "writes there, set single_writer = true in [storage]"
            )
        _proven.add(self)


def _is_root(key: str) -> bool:
    """Whether a key is the root metadata of a Zarr store."""
    folder, _, name = key.rpartition("/")
    return name == _ROOT and folder.endswith(".zarr")


def open_files(workspace: str | Path) -> Files:
    """The files of a workspace: of a folder, wherever its reader goes, or of the bucket at an address."""
    if isinstance(workspace, str) and "://" in workspace:
        return Bucket(workspace)
    return Disk(Path(workspace).absolute())

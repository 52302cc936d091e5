"""Zarr and the place of files: a store is read through it by ranges, and written in memory, then staged."""

import asyncio
import hashlib
import os
import warnings
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Self, TypeVar

import zarr
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.errors import ZarrUserWarning
from zarr.storage import MemoryStore

from storage.concurrent import THREADS, map_concurrently
from storage.files import Files

Described = dict[str, tuple[str, int]]
_Value = TypeVar("_Value")


def stage_store(disk: Files, prefix: str, fill: Callable[[MemoryStore], None]) -> Described:
    """Let `fill` write a store in memory, consolidate its metadata, and stage it below the folder `prefix`.

    Zarr asks a store many small questions one after the other, each of which would be a request. Returns
    SHA-256 and size of every file by its name below `prefix`.
    """
    content: dict[str, Buffer] = {}
    memory = MemoryStore(content)
    fill(memory)
    with warnings.catch_warnings():
        # Every reader that we name understands it; without it xarray opens one file for each array.
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=ZarrUserWarning)
        zarr.consolidate_metadata(memory)
    files = {name: value.to_bytes() for name, value in content.items()}
    map_concurrently(lambda name: disk.stage(f"{prefix}/{name}", files[name]), files)
    return {name: (hashlib.sha256(data).hexdigest(), len(data)) for name, data in files.items()}


class FileStore(Store):
    """A read-only Zarr store of the files below the folder `prefix`."""

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, disk: Files, prefix: str) -> None:
        super().__init__(read_only=True)
        self.disk = disk
        self.prefix = prefix

    def with_read_only(self, read_only: bool = False) -> Self:
        if not read_only:
            raise ValueError(f"{self} can only be read")
        return type(self)(self.disk, self.prefix)

    def key(self, key: str) -> str:
        """The key on the disk of a key in the store."""
        return f"{self.prefix}/{key}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileStore) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return self.disk.address(self.prefix)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        found = await _in_thread(lambda: self._read(key, byte_range))
        return None if found is None else prototype.buffer.from_bytes(found)

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        wanted = [self.get(key, prototype, byte_range) for key, byte_range in key_ranges]
        return list(await asyncio.gather(*wanted))

    async def exists(self, key: str) -> bool:
        return await _in_thread(lambda: self.disk.size(self.key(key))) is not None

    async def set(self, key: str, value: Buffer) -> None:  # noqa: ARG002
        self._check_writable()

    async def delete(self, key: str) -> None:  # noqa: ARG002
        self._check_writable()

    async def list(self) -> AsyncIterator[str]:
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for key in await _in_thread(lambda: self.disk.list(self.prefix)):
            if (name := key.removeprefix(f"{self.prefix}/")).startswith(prefix):
                yield name

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        start = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
        seen = set()
        async for key in self.list_prefix(start):
            if (name := key.removeprefix(start).partition("/")[0]) not in seen:
                seen.add(name)
                yield name

    def _read(self, key: str, byte_range: ByteRequest | None) -> bytes | None:
        name = self.key(key)
        match byte_range:
            case None:
                return self.disk.read(name)
            case RangeByteRequest():
                return self.disk.read_range(name, byte_range.start, byte_range.end)
            case OffsetByteRequest():
                return self.disk.read_range(name, byte_range.offset, None)
            case SuffixByteRequest():
                return self.disk.read_range(name, -byte_range.suffix, None)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="files")


# Threads do not survive a fork: the child starts its own.
os.register_at_fork(after_in_child=_pool.cache_clear)


async def _in_thread(function: Callable[[], _Value]) -> _Value:
    return await asyncio.get_running_loop().run_in_executor(_pool(), function)

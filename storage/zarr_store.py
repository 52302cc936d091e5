"""Zarr's view of a folder that is being built: every key that Zarr writes is staged through `Disk`."""

import asyncio
from typing import Self

from zarr.core.buffer import Buffer
from zarr.storage import LocalStore

from storage.disk import Disk


class StagingStore(LocalStore):
    """A local Zarr store below the folder `prefix` of a disk, whose writes the disk stages."""

    def __init__(self, disk: Disk, prefix: str, *, read_only: bool = False) -> None:
        super().__init__(disk.path(prefix), read_only=read_only)
        self._disk = disk
        self._prefix = prefix

    def with_read_only(self, read_only: bool = False) -> Self:
        return type(self)(self._disk, self._prefix, read_only=read_only)

    async def _set(self, key: str, value: Buffer, exclusive: bool = False) -> None:
        self._check_writable()
        # zarr asks for every array whether its parent groups are there: most often they are.
        if not (exclusive and (self.root / key).exists()):
            await asyncio.to_thread(self.set_sync, key, value)

    def set_sync(self, key: str, value: Buffer) -> None:
        self._check_writable()
        self._disk.stage(f"{self._prefix}/{key}", value.to_bytes())

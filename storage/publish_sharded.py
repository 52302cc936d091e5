"""What completes a store of whole shards, and publishing one beside the contrasts of its generation."""

from collections.abc import Callable, Iterable
from typing import Protocol

from zarr.abc.store import Store

from storage.files import Files
from storage.generation import Manifest, publish_beside
from storage.inventory import check_all_written, make_manifest
from storage.lease import Lease
from storage.shards import ShardReceipt, ShardTask
from storage.zarr_store import stage_store


class ShardedBuild(Protocol):
    """What is told of a store whose shards were written under a temporary name."""

    @property
    def generation(self) -> str: ...
    @property
    def store(self) -> str: ...
    @property
    def inputs(self) -> str: ...
    @property
    def building(self) -> str: ...
    @property
    def gene_list_sha256(self) -> str: ...
    @property
    def parts(self) -> dict[str, dict[str, str]]: ...
    @property
    def tasks(self) -> list[ShardTask]: ...


def publish_sharded(
    disk: Files,
    build: ShardedBuild,
    receipts: Iterable[ShardReceipt],
    lease: Lease,
    *,
    cure: str,
    write: Callable[[Store], None],
) -> str:
    """Write labels, metadata and manifest, and put the store beside its contrasts; returns its key on disk.

    Parameters
    ----------
    cure
        The command that makes missing shards.
    write
        Writes all of the store but its shards.

    Raises
    ------
    StoreError
        A shard of the build has no receipt.
    LockedError
        The lease was lost: nothing was published.
    """
    manifest = complete_store(disk, build, receipts, build.store, cure=cure, write=write)
    return publish_beside(disk, build.building, build.generation, manifest, lease)


def complete_store(
    disk: Files,
    build: ShardedBuild,
    receipts: Iterable[ShardReceipt],
    name: str,
    *,
    cure: str,
    write: Callable[[Store], None],
) -> Manifest:
    """Stage all of a store but its shards, which stand; its manifest.

    Raises
    ------
    StoreError
        A shard of the build, which is told of as `name`, has no receipt.
    """
    by_file = {receipt.file: receipt for receipt in receipts}
    check_all_written(build.tasks, by_file, name, cure)
    staged = stage_store(disk, f"{build.building}/{build.store}", write)
    return make_manifest(
        build.store,
        staged,
        build.tasks,
        by_file,
        gene_list_sha256=build.gene_list_sha256,
        inputs=build.inputs,
        parts=build.parts,
    )

"""Publishing a store of whole shards beside the contrasts of its generation."""

from collections.abc import Callable, Iterable
from typing import Protocol

from storage.disk import Disk
from storage.generation import publish_beside
from storage.inventory import check_all_written, make_manifest
from storage.labels import consolidate
from storage.lease import Lease
from storage.shards import ShardReceipt, ShardTask
from storage.zarr_store import StagingStore


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
    disk: Disk,
    build: ShardedBuild,
    receipts: Iterable[ShardReceipt],
    lease: Lease,
    *,
    cure: str,
    write_labels: Callable[[StagingStore], None],
) -> str:
    """Write labels, metadata and manifest, and put the store beside its contrasts; returns its key on disk.

    Parameters
    ----------
    cure
        The command that makes missing shards.

    Raises
    ------
    StoreError
        A shard of the build has no receipt.
    LockedError
        The lease was lost: nothing was published.
    """
    by_file = {receipt.file: receipt for receipt in receipts}
    check_all_written(build.tasks, by_file, build.store, cure)
    store = StagingStore(disk, f"{build.building}/{build.store}")
    write_labels(store)
    consolidate(store)
    manifest = make_manifest(
        disk,
        build.building,
        build.store,
        build.tasks,
        by_file,
        gene_list_sha256=build.gene_list_sha256,
        inputs=build.inputs,
        parts=build.parts,
    )
    return publish_beside(disk, build.building, build.generation, manifest, lease)

"""The inventory of a store just built: every file with its checksum, every shard with what went in."""

from collections.abc import Mapping, Sequence

from storage.disk import Disk
from storage.errors import StoreError
from storage.generation import Manifest
from storage.schema import SCHEMA_VERSION
from storage.shards import ShardReceipt, ShardTask


def check_all_written(
    tasks: Sequence[ShardTask], by_file: Mapping[str, ShardReceipt], generation: str, command: str
) -> None:
    """Raise `StoreError` where a shard has no receipt."""
    files = {task.file(v) for task in tasks for v in task.variables}
    if missing := sorted(files - by_file.keys()):
        raise StoreError(f"{missing[0]} of {generation} was not written; run `{command}` again")


def make_manifest(
    disk: Disk,
    building: str,
    store: str,
    tasks: Sequence[ShardTask],
    by_file: Mapping[str, ShardReceipt],
    *,
    gene_list_sha256: str,
    inputs: str,
    parts: Mapping[str, Mapping[str, str]],
) -> Manifest:
    """The manifest of the complete `store` below the folder `building`; shards are taken at their receipt."""
    files = {}
    for key in disk.list(f"{building}/{store}"):
        file = key.removeprefix(f"{building}/")
        receipt = by_file.get(file)
        sha256 = receipt.sha256 if receipt else disk.sha256(key)
        files[file] = {"sha256": sha256, "size": disk.path(key).stat().st_size}
    return Manifest(
        store=store,
        schema_version=SCHEMA_VERSION,
        gene_list_sha256=gene_list_sha256,
        inputs=inputs,
        parts={study: dict(known) for study, known in parts.items()},
        shards={
            task.file(variable): {
                "signature": by_file[task.file(variable)].signature,
                "studies": sorted({row.study for row in task.rows}),
            }
            for task in tasks
            for variable in task.variables
        },
        files=files,
    )

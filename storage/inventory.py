"""The inventory of a store just built: every file with its checksum, every shard with what went in."""

from collections.abc import Mapping, Sequence

from storage.errors import StoreError
from storage.generation import Manifest
from storage.schema import SCHEMA_VERSION
from storage.shards import ShardReceipt, ShardTask
from storage.zarr_store import Described


def check_all_written(
    tasks: Sequence[ShardTask], by_file: Mapping[str, ShardReceipt], generation: str, command: str
) -> None:
    """Raise `StoreError` where a shard has no receipt."""
    files = {task.file(v) for task in tasks for v in task.variables}
    if missing := sorted(files - by_file.keys()):
        raise StoreError(f"{missing[0]} of {generation} was not written; run `{command}` again")


def make_manifest(
    store: str,
    staged: Described,
    tasks: Sequence[ShardTask],
    by_file: Mapping[str, ShardReceipt],
    *,
    gene_list_sha256: str,
    inputs: str,
    parts: Mapping[str, Mapping[str, str]],
) -> Manifest:
    """The manifest of a complete store: its shards by their receipts, and all else that was `staged`."""
    files = {file: (receipt.sha256, receipt.size) for file, receipt in by_file.items()}
    files |= {f"{store}/{name}": known for name, known in staged.items()}
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
        files={file: {"sha256": sha, "size": size} for file, (sha, size) in files.items()},
    )

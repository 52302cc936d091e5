"""Writing the shards of a store on Dask, one task for each row of them."""

from functools import partial

from distributed import Client

from pipeline.inflight import results
from pipeline.progress import Progress, Report
from storage.errors import StoreError
from storage.files import Files
from storage.shards import ShardReceipt, ShardTask, write_shards


def write_all_shards(
    disk: Files,
    client: Client,
    tasks: list[ShardTask],
    name: str,
    stage: str,
    report: Report,
) -> list[ShardReceipt]:
    """Write the shards of the build `name`, told of as `stage`."""
    receipts: list[ShardReceipt] = []
    report(Progress(stage=stage, done=0, total=len(tasks)))
    written = results(client, partial(write_shards, disk), tasks)
    for done, (_, result) in enumerate(written, start=1):
        if isinstance(result, BaseException):
            raise StoreError(f"a shard of {name} could not be written: {result}") from result
        receipts += result
        report(Progress(stage=stage, done=done, total=len(tasks)))
    return receipts

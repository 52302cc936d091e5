"""Making the compendia that are measured, on the workers of a client."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from distributed import Client

from benchmarks.synthetic import SyntheticStudy, write_synthetic_part
from pipeline.commands.run_all import run_all
from pipeline.inflight import run_bounded
from pipeline.workspace import create_workspace, open_workspace
from storage.compile import StudyEntry, begin_build, plan_build, publish_build
from storage.disk import Disk
from storage.generation import FOLDER, read_current
from storage.genes import GeneList
from storage.layout import Layout
from storage.lease import Lease
from storage.schema import CONTRASTS_STORE
from storage.shards import write_shards

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_tasks(
    client: Client, function: Callable[[Item], Result], items: Iterable[Item]
) -> list[Result]:
    """Results of a function of each item, as they end; the first error ends them all."""
    results = []
    for _, result in run_bounded(client, function, items):
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results


def write_parts(studies: Sequence[SyntheticStudy], client: Client) -> list[StudyEntry]:
    """Write the parts of synthetic studies; return their entries, sorted by study."""
    entries = run_tasks(client, write_synthetic_part, studies)
    return sorted(entries, key=lambda entry: entry.study)


def compile_parts(
    disk: Disk,
    genes: GeneList,
    entries: Sequence[StudyEntry],
    client: Client,
    layout: Layout | None = None,
) -> None:
    """Compile parts and publish the generation."""
    with Lease(disk) as lease:
        build = plan_build(disk, genes, entries, {}, layout=layout)
        assert build is not None
        begin_build(disk, build)
        written = run_tasks(client, partial(write_shards, disk), build.tasks)
        publish_build(disk, build, [receipt for receipts in written for receipt in receipts], lease)


def run_folder(workspace: Path, gene_list: Path, studies: Path) -> None:
    """Do what `dexome init` and `dexome run` do on a folder of studies."""
    create_workspace(workspace, gene_list, studies)
    run_all(open_workspace(workspace), None)


def store_of(workspace: Path) -> Path:
    """The contrasts store of the newest generation."""
    disk = Disk(workspace)
    current = read_current(disk)
    assert current is not None
    return disk.path(f"{FOLDER}/{current.generation}/{CONTRASTS_STORE}")

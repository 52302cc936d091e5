"""What two workers' writing costs beside one writer's."""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from distributed import Client

from benchmarks.build import run_tasks
from benchmarks.report import Bar, ratio_bar
from storage.compile import Build, StudyEntry, begin_build, plan_build
from storage.disk import Disk
from storage.genes import GeneList
from storage.shards import ShardTask, write_shards

CPU_LIMIT = 1.2


def measure_writing(
    disk: Disk,
    genes: GeneList,
    entries: Sequence[StudyEntry],
    client: Client,
    *,
    repeats: int,
    judged: bool,
) -> list[Bar]:
    """Write one build with one process and with the workers of `client`, in turns; publish nothing."""
    build = plan_build(disk, genes, entries, {})
    assert build is not None
    write = partial(write_timed, disk)
    alone: list[tuple[float, float]] = []
    shared: list[tuple[float, float]] = []
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        process.submit(_import).result()
        for _ in range(repeats):
            alone.append(_cost(disk, build, lambda: process.map(write, build.tasks)))
            shared.append(_cost(disk, build, lambda: run_tasks(client, write, build.tasks)))
    cpu_1, cpu_2 = (min(cpu_s for cpu_s, _ in costs) for costs in (alone, shared))
    wall_1, wall_2 = (min(wall_s for _, wall_s in costs) for costs in (alone, shared))
    return [
        ratio_bar(
            f"CPU, 2 writers / 1 writer, {len(build.contrasts):,} contrasts",
            f"{cpu_2:.1f} s / {cpu_1:.1f} s",
            cpu_2 / cpu_1,
            CPU_LIMIT,
            judged=judged,
        ),
        Bar("– wall time of the same", f"{wall_2:.1f} s / {wall_1:.1f} s: {wall_2 / wall_1:.2f}"),
    ]


def write_timed(disk: Disk, task: ShardTask) -> float:
    """Write one task's shards as the pipeline does; CPU seconds of all threads of this process."""
    started = time.process_time()
    write_shards(disk, task)
    return time.process_time() - started


def _import() -> None:
    """Nothing: that a process can do it means that it has imported all this."""


def _cost(disk: Disk, build: Build, write: Callable[[], Iterable[float]]) -> tuple[float, float]:
    """CPU seconds of the writing itself, summed over its processes, and wall seconds."""
    begin_build(disk, build)
    started = time.perf_counter()
    cpu_s = sum(write())
    wall_s = time.perf_counter() - started
    disk.delete(build.building)
    return cpu_s, wall_s

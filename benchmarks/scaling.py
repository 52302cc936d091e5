"""What a second process is worth to the analyse stage on Dask, beside a plain pool on the same studies.

`python -m benchmarks.scaling [--studies 32]`; a smaller number, or other genes, are not judged.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path

from distributed import Client

from benchmarks.report import Bar, best_walls, format_table
from benchmarks.studies import N_GENES, N_SAMPLES, make_workspace_of, write_studies
from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.one_thread import one_blas_thread
from pipeline.plan import Plan
from pipeline.progress import Progress
from pipeline.run import run_analyse, run_plan
from pipeline.stages.analyse_study import AnalysisTask, analyse_planned
from pipeline.stages.plan_study import make_plan_record
from pipeline.stages.task import make_tasks
from pipeline.workspace import Workspace, open_workspace
from storage.genes import GeneList
from storage.lease import Lease
from storage.parts import FOLDER, part_key, read_part_header

STUDIES = 32
REPEATS = 3
MIN_SHARE = 0.9


def measure(workspace: Workspace, *, repeats: int, judged: bool) -> list[Bar]:
    """Analyse all studies on one process and on two, on Dask and in pools, in turns; no start-up is timed."""
    genes = workspace.read_genes()
    spawn = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(_local(n))) for n in (1, 2)]
        pools = [stack.enter_context(spawn.Pool(n)) for n in (1, 2)]
        with Lease(workspace.disk) as lease:
            plan = run_plan(workspace, genes, clients[1], lease, ignore)
        tasks = {task.study: task for task in make_tasks(workspace.root, workspace.config, genes)}
        items = [AnalysisTask(task=tasks[r.study], part=r.part) for r in plan.planned]
        runs: list[Callable[[], None]] = [
            *(partial(on_dask, workspace, genes, plan, client) for client in clients),
            *(partial(on_pool, pool, items) for pool in pools),
        ]
        forget = partial(workspace.disk.delete, FOLDER)
        for run in runs:  # imports, compiled kernels, the gene index: not what is measured
            run()
            forget()
        dask_1, dask_2, pool_1, pool_2 = best_walls(runs, repeats, after=forget)
    of_a_study = cost_of_a_study(workspace, items)
    share = (dask_1 / dask_2) / (pool_1 / pool_2)
    return [
        Bar(
            f"gain of the analyse stage from 1 to 2 processes / a plain pool's, {len(items)} studies of "
            f"{N_SAMPLES} samples × {len(genes):,} genes",
            f"{dask_1 / dask_2:.2f} / {pool_1 / pool_2:.2f}: {share:.2f}",
            f"≥ {MIN_SHARE}",
            share >= MIN_SHARE if judged else None,
        ),
        Bar("– on Dask, 1 and 2 processes", f"{dask_1:.1f} s, {dask_2:.1f} s"),
        Bar("– in a plain pool of 1 and 2 processes", f"{pool_1:.1f} s, {pool_2:.1f} s"),
        *of_a_study,
    ]


def cost_of_a_study(workspace: Workspace, items: list[AnalysisTask]) -> list[Bar]:
    """CPU time and bytes of one study, the mean of all, in this process alone."""
    # The first call of either is for compiled kernels and the gene index.
    make_plan_record(items[0].task)
    check([analyse_alone(items[0])])
    workspace.disk.delete(FOLDER)
    started = time.process_time()
    for item in items:
        make_plan_record(item.task)
    planned = time.process_time()
    check([analyse_alone(item) for item in items])
    analysed = time.process_time()
    disk, n = workspace.disk, len(items)
    keys = [(item.task.study, item.part) for item in items]
    n_contrasts = sum(len(read_part_header(disk, *key)[0].contrasts) for key in keys)
    n_bytes = sum(len(disk.read(part_key(*key)) or b"") for key in keys)
    return [
        Bar(
            "– CPU of one study, to plan and to analyse",
            f"{(planned - started) / n:.2f} s, {(analysed - planned) / n:.2f} s",
        ),
        Bar(
            "– contrasts of a study, and bytes of its part",
            f"{n_contrasts / n:.2f}, {n_bytes / n / 1e6:.2f} MB",
        ),
    ]


def on_dask(workspace: Workspace, genes: GeneList, plan: Plan, client: Client) -> None:
    """The stage, as the commands run it."""
    receipts = run_analyse(workspace, genes, plan, client, ignore)
    check(receipt.status for receipt in receipts)


def on_pool(pool: Pool, items: list[AnalysisTask]) -> None:
    """The same studies, without Dask."""
    check(pool.imap_unordered(analyse_alone, items))


def analyse_alone(item: AnalysisTask) -> str:
    """What a task of the stage does, in a process of the pool; its status."""
    with one_blas_thread():
        return analyse_planned(item).status


def check(statuses: Iterable[str]) -> None:
    """All studies are analysed: a refused one would cost less."""
    found = set(statuses)
    assert found == {"analysed"}, found


def ignore(_: Progress) -> None:
    """Tell nobody."""


def _local(n_workers: int) -> ClusterProfile:
    return ClusterProfile(kind="local", workers=n_workers, memory_gib=2.0)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--genes", type=int, default=N_GENES)
    given = parser.parse_args()
    judged = given.studies >= STUDIES and given.genes >= N_GENES
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_studies(root / "source", given.studies, given.genes)
        make_workspace_of(root / "source", root / "work")
        bars = measure(open_workspace(root / "work"), repeats=REPEATS, judged=judged)
    sys.stdout.write(f"load of the machine {os.getloadavg()[0]:.1f}\n{format_table(bars)}\n")
    sys.exit(any(bar.met is False for bar in bars))


if __name__ == "__main__":
    main()

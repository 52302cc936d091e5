"""What Dask costs: tasks beside a plain pool of processes, one task alone, and memory at many tasks.

`python -m benchmarks.cluster [--tasks 200] [--many 100000]`; a smaller `--many` judges no memory.
"""

import argparse
import multiprocessing
import os
import sys
import time
from functools import partial
from multiprocessing.pool import Pool

import psutil
from distributed import Client

from benchmarks.report import Bar, best_walls, format_table, ratio_bar
from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.inflight import run_bounded

WORKERS = 2
REPEATS = 3
MANY = 100_000
TWO = ClusterProfile(kind="local", workers=WORKERS, memory_gib=1.0)
# A study of the size that there is most of, and a task that is nearly nothing but its cost.
STUDY_S, SHORT_S = 0.2, 0.01
MAX_RATIO, MAX_COST_MS, MAX_MB, MAX_GROWN_MB = 1.15, 5.0, 500.0, 50.0


def compute(seconds: float, item: int) -> int:
    """Compute for so many seconds of CPU in this thread."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return item


def on_dask(client: Client, seconds: float, n_tasks: int) -> None:
    """Run the tasks as a stage does."""
    done = sum(1 for _ in run_bounded(client, partial(compute, seconds), range(n_tasks)))
    assert done == n_tasks


def on_pool(pool: Pool, seconds: float, n_tasks: int) -> None:
    """Run them in a plain pool."""
    done = sum(1 for _ in pool.imap_unordered(partial(compute, seconds), range(n_tasks)))
    assert done == n_tasks


def measure(n_tasks: int, many: int) -> list[Bar]:
    """All bars."""
    spawn = multiprocessing.get_context("spawn")
    with connect(TWO) as client, spawn.Pool(WORKERS) as pool:
        for run in (partial(on_dask, client), partial(on_pool, pool)):
            run(SHORT_S, 4 * WORKERS)
        dask, plain = best_walls(
            [partial(on_dask, client, STUDY_S, n_tasks), partial(on_pool, pool, STUDY_S, n_tasks)],
            REPEATS,
        )
        short, plain_short = best_walls(
            [
                partial(on_dask, client, SHORT_S, 10 * n_tasks),
                partial(on_pool, pool, SHORT_S, 10 * n_tasks),
            ],
            REPEATS,
        )
        cost_ms = 1000 * (short - plain_short) * WORKERS / (10 * n_tasks)
        process, workers = psutil.Process(), list(client.run(os.getpid).values())
        before = _rss_mb(workers)
        on_dask(client, 0.0, many)
        grown = _rss_mb(workers) - before
        driver = process.memory_info().rss / 1e6
    return [
        ratio_bar(
            f"{n_tasks} tasks of {1000 * STUDY_S:g} ms on {WORKERS} workers / a plain pool",
            f"{dask:.1f} s / {plain:.1f} s",
            dask / plain,
            MAX_RATIO,
            judged=True,
        ),
        Bar(
            f"cost of one task at {1000 * SHORT_S:g} ms, beyond a plain pool's",
            f"{cost_ms:.1f} ms",
            f"≤ {MAX_COST_MS:g} ms",
            cost_ms <= MAX_COST_MS,
        ),
        Bar(
            f"memory of driver and scheduler (one process) after {many:,} more tasks",
            f"{driver:.0f} MB",
            f"< {MAX_MB:g} MB",
            driver < MAX_MB if many >= MANY else None,
        ),
        Bar(
            f"– by which its workers grew, each, over {many:,} tasks",
            f"{grown:.1f} MB",
            f"< {MAX_GROWN_MB:g} MB",
            grown < MAX_GROWN_MB if many >= MANY else None,
        ),
    ]


def _rss_mb(pids: list[int]) -> float:
    """Mean memory of some processes."""
    return sum(psutil.Process(pid).memory_info().rss for pid in pids) / len(pids) / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--many", type=int, default=MANY)
    given = parser.parse_args()
    bars = measure(given.tasks, given.many)
    sys.stdout.write(f"load of the machine {os.getloadavg()[0]:.1f}\n{format_table(bars)}\n")
    sys.exit(any(bar.met is False for bar in bars))


if __name__ == "__main__":
    main()

"""Tasks in flight: how many, in which order, on how many threads, and what becomes of those that kill."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

# A BLAS of its own, which the first task would bring along.
import scipy.linalg  # noqa: F401
from distributed import KilledWorker, LocalCluster
from distributed.comm import CommClosedError
from threadpoolctl import threadpool_info, threadpool_limits

from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.inflight import run_bounded
from pipeline.one_thread import one_blas_thread
from storage.errors import DexomeError
from tests.support.dask_processes import running_dask
from tests.support.slurm import wait_until
from tests.support.workspaces import IN_PROCESS

KILLER = 5
running: set[int] = set()


def blas_threads(item: object = None) -> list[int]:
    """How many threads each BLAS of this process uses."""
    del item
    return [
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    ]


def kill_for(item: tuple[int, Path]) -> int:
    """Kill the worker where the item is the killer; note every try."""
    number, folder = item
    (folder / f"{number}-{len(list(folder.glob(f'{number}-*')))}").touch()
    if number == KILLER:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def count_beside(item: int) -> int:
    """How many of these tasks run at once in this process."""
    running.add(item)
    time.sleep(0.02)
    beside = len(running)
    running.discard(item)
    return beside


@pytest.mark.parametrize("here", [True, False])
def test_a_task_has_one_blas_thread_and_the_process_its_own_again(here: bool) -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        with connect(IN_PROCESS) as client:
            for _, counted in run_bounded(None if here else client, blas_threads, [1, 2]):
                assert isinstance(counted, list)
                assert set(counted) == {1}
        assert blas_threads() == before


def test_one_thread_holds_until_the_last_of_those_who_asked_for_it_has_left() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        first, second = one_blas_thread(), one_blas_thread()
        # Two threads, as those of a worker: the first that begins is not the last that ends.
        starter = threading.Thread(target=first.__enter__)
        starter.start()
        starter.join()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(blas_threads()) == {1}
        second.__exit__(None, None, None)
        assert set(blas_threads()) == {2}


def test_without_a_cluster_an_error_is_told_with_its_item() -> None:
    found = dict(run_bounded(None, lambda n: 1 // n, [1, 0, 2]))
    assert (found[1], found[2]) == (1, 0)
    assert isinstance(found[0], ZeroDivisionError)


def test_tasks_wait_for_the_resources_that_they_need() -> None:
    profile = ClusterProfile(kind="threads", workers=4, resources={"GPU": 1})
    with connect(profile) as client:
        for needs, most in (({"GPU": 1}, 1), ({"GPU": 0.5}, 2)):
            told = dict(run_bounded(client, count_beside, range(20), resources=needs))
            assert sorted(told) == list(range(20))
            assert max(told.values()) == most  # type: ignore[type-var]


@pytest.mark.slow
@pytest.mark.alone
def test_who_kills_three_workers_is_told_and_those_beside_it_come_through(tmp_path: Path) -> None:
    items = [(number, tmp_path) for number in range(12)]
    with connect(ClusterProfile(kind="local", workers=1, memory_gib=1.0)) as client:
        found = {number: result for (number, _), result in run_bounded(client, kill_for, items)}
    assert isinstance(found.pop(KILLER), KilledWorker)
    assert found == {number: number for number in range(12) if number != KILLER}
    # Three times among others, three times alone.
    assert len(list(tmp_path.glob(f"{KILLER}-*"))) == 6


def sleep_a_while(item: int) -> int:
    """Take some time."""
    time.sleep(0.3)
    return item


def test_a_scheduler_that_is_gone_ends_the_stage_and_is_told_of_no_item(tmp_path: Path) -> None:
    with running_dask(tmp_path, workers=1) as dask:
        profile = ClusterProfile(kind="address", address=dask.address)
        with connect(profile) as client:
            tasks = run_bounded(client, sleep_a_while, range(20))
            first, result = next(tasks)
            assert first == result
            dask.scheduler.kill()
            with pytest.raises(DexomeError, match=r"scheduler at tcp://\S+ is gone; start it"):
                check_results(tasks)


def test_a_scheduler_without_workers_is_told_of_once_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pipeline.inflight._NO_WORKER_AFTER_S", 0.3)
    options = {"processes": False, "protocol": "tcp://", "dashboard_address": None}
    with LocalCluster(n_workers=0, threads_per_worker=1, **options) as cluster:
        profile = ClusterProfile(kind="address", address=cluster.scheduler_address)
        with connect(profile) as client, ThreadPoolExecutor(1) as pool:
            done = pool.submit(lambda: list(run_bounded(client, sleep_a_while, range(3))))
            wait_until(lambda: any("no worker" in r.getMessage() for r in caplog.records))
            cluster.scale(1)
            assert len(done.result()) == 3
            (record,) = (r for r in caplog.records if r.name == "pipeline.inflight")
            assert f"scheduler at {cluster.scheduler_address} has no worker" in record.getMessage()
            caplog.clear()
            list(run_bounded(client, sleep_a_while, range(3)))
    assert not [r for r in caplog.records if r.name == "pipeline.inflight"]


def test_a_scheduler_that_goes_while_results_are_fetched_ends_the_stage_too() -> None:
    async def gone(**_: object) -> None:
        raise CommClosedError("closed while it answered")

    with connect(IN_PROCESS) as client:
        client.scheduler.gather = gone
        with pytest.raises(DexomeError, match="is gone; start it"):
            next(run_bounded(client, sleep_a_while, range(3)))


def check_results(tasks: Iterator[tuple[int, object]]) -> None:
    """Every item has its result, and none another one."""
    for item, result in tasks:
        assert item == result, "the loss was taken for the result of an item"

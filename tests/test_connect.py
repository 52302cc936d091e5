"""Workers on this machine: what happens to those that die before they have begun."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from cluster.connect import connect
from cluster.profile import ClusterError, ClusterProfile, Kind

TWO = ClusterProfile(kind="local", workers=2, memory_gib=1.0)


@contextmanager
def killer(limit: int) -> Iterator[list[int]]:
    """Kill up to `limit` worker processes of ours as soon as they are there; yields their pids."""
    killed: list[int] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set() and len(killed) < limit:
            for child in psutil.Process().children(recursive=True):
                try:
                    is_worker = "spawn_main" in " ".join(child.cmdline())
                except psutil.Error:
                    continue
                if is_worker and child.pid not in killed and len(killed) < limit:
                    child.kill()
                    killed.append(child.pid)
            time.sleep(0.01)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.alone
def test_a_worker_killed_while_it_starts_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    with killer(1) as killed, connect(TWO) as client:
        assert len(client.nthreads()) == 2
        assert client.submit(sum, [1, 2]).result() == 3
    assert len(killed) == 1
    assert "died while it started" in caplog.text


@pytest.mark.slow
@pytest.mark.alone
def test_workers_that_never_come_up_are_an_error_with_its_cure() -> None:
    with (
        killer(100) as killed,
        pytest.raises(ClusterError, match="died 3 times while they started; give them more memory"),
        connect(TWO),
    ):
        pass
    assert len(killed) >= 3
    left = [c for c in psutil.Process().children(recursive=True) if c.pid in killed]
    assert all(child.status() == psutil.STATUS_ZOMBIE for child in left)


@pytest.mark.parametrize("kind", ["threads", "local"])
def test_nothing_listens_to_other_machines(kind: Kind) -> None:
    before = _listening()
    with connect(ClusterProfile(kind=kind, workers=1)) as client:
        opened = _listening() - before
        assert client.dashboard_link.startswith("http://127.0.0.1:")
    assert opened
    assert {address for address, _ in opened} == {"127.0.0.1"}


def _listening() -> set[tuple[str, int]]:
    """Addresses and ports on which this process and those below it take connections."""
    here = psutil.Process()
    found = [here, *here.children(recursive=True)]
    return {
        (connection.laddr.ip, connection.laddr.port)
        for process in found
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def test_a_worker_near_its_limit_works_on_and_is_not_paused() -> None:
    small = ClusterProfile(kind="threads", workers=1, memory_gib=0.01)
    with connect(small) as client:
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            # Dask looks at the memory ten times a second.
            assert client.submit(sum, [1, 2], pure=False).result(timeout=20) == 3
            time.sleep(0.05)

"""The lease: one driver at a time, and no dead one for long."""

import errno
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from storage.disk import Disk
from storage.errors import InputError, LockedError, StoreError
from storage.lease import LEASE_KEY, Lease
from storage.process import is_alive, this_process


def write_lease(disk: Disk, **changes: object) -> None:
    lease = {**this_process(), "run": "other", "renewed_at": time.time(), **changes}
    disk.put(LEASE_KEY, json.dumps(lease).encode())


def test_a_lease_is_there_while_it_is_held_and_gone_afterwards(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with Lease(disk) as lease:
        lease.check()
        held = json.loads(disk.read(LEASE_KEY) or b"")
        assert held["pid"] == os.getpid()
    assert disk.read(LEASE_KEY) is None


def test_a_second_driver_is_refused_with_the_first_s_host_and_pid(tmp_path: Path) -> None:
    with Lease(Disk(tmp_path)):
        message = rf"in use by process {os.getpid()} on {os.uname().nodename}"
        with pytest.raises(LockedError, match=message), Lease(Disk(tmp_path)):
            pass


def test_another_process_is_refused_too(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from storage.disk import Disk; from storage.lease import Lease\n"
        "with Lease(Disk(Path(sys.argv[1]))): pass"
    )
    with Lease(Disk(tmp_path)):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
        )
    assert done.returncode != 0
    assert f"in use by process {os.getpid()}" in done.stderr


def test_the_lease_of_a_dead_process_of_this_host_is_taken_over_at_once(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    write_lease(Disk(tmp_path), pid=dead.pid)
    with Lease(Disk(tmp_path)) as lease:
        lease.check()


def test_a_pid_that_was_given_to_another_process_is_dead(tmp_path: Path) -> None:
    write_lease(Disk(tmp_path), started=1.0)
    with Lease(Disk(tmp_path)) as lease:
        lease.check()


def test_another_host_s_lease_holds_until_it_missed_three_renewals(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    write_lease(disk, host="elsewhere")
    with pytest.raises(LockedError, match="on elsewhere"), Lease(disk):
        pass
    with Lease(disk, take_over=True) as lease:
        lease.check()
    write_lease(disk, host="elsewhere", renewed_at=time.time() - 0.5)
    with Lease(disk, renew_s=0.1) as lease:
        lease.check()


def test_whoever_lost_the_lease_hears_of_it_before_committing(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with Lease(disk) as lease:
        write_lease(disk, host="elsewhere", pid=7)
        with pytest.raises(LockedError, match="taken over by process 7 on elsewhere"):
            lease.check()
    assert json.loads(disk.read(LEASE_KEY) or b"")["pid"] == 7, "the new holder keeps its lease"


def test_a_held_lease_is_renewed(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with Lease(disk, renew_s=0.02) as lease:
        first = disk.read(LEASE_KEY)
        deadline = time.monotonic() + 10
        while disk.read(LEASE_KEY) == first and time.monotonic() < deadline:
            time.sleep(0.01)
        assert disk.read(LEASE_KEY) != first
        lease.check()
    assert disk.read(LEASE_KEY) is None


def break_swaps(
    monkeypatch: pytest.MonkeyPatch, error: Exception, *, after: bool = False
) -> list[int]:
    """Let swaps end in an error, before or after they are made, so many times as the list's number says."""
    left, swap = [0], Disk.swap

    def broken(disk: Disk, key: str, data: bytes | None, expected: bytes) -> bool:
        if not left[0]:
            return swap(disk, key, data, expected)
        left[0] -= 1
        if after:
            swap(disk, key, data, expected)
        raise error

    monkeypatch.setattr(Disk, "swap", broken)
    return left


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), StoreError("no answer")])
def test_a_renewal_that_fails_is_tried_again_and_the_lease_stays_ours(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    after: bool,
    error: Exception,
) -> None:
    disk, left = Disk(tmp_path), break_swaps(monkeypatch, error, after=after)
    with Lease(disk, renew_s=0.02) as lease:
        left[0] = 2
        deadline = time.monotonic() + 10
        while left[0] and time.monotonic() < deadline:
            lease.check()
            time.sleep(0.005)
        assert not left[0]
        before = disk.read(LEASE_KEY)
        while disk.read(LEASE_KEY) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        assert disk.read(LEASE_KEY) != before, "renewed again"
        lease.check()
    assert disk.read(LEASE_KEY) is None
    assert "cannot renew the lease" in caplog.text


def test_a_lease_that_cannot_be_given_back_hides_no_error_and_goes_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk, left = Disk(tmp_path), break_swaps(monkeypatch, OSError(errno.EIO, "broken"))

    def fail() -> None:
        with Lease(disk):
            left[0] = 1
            raise InputError("of the run")

    with pytest.raises(InputError, match="of the run"):
        fail()
    assert "cannot give back the lease" in caplog.text
    assert disk.read(LEASE_KEY) is not None
    with Lease(disk, take_over=True):
        pass


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"host": 1}'])
def test_a_lease_that_cannot_be_read_belongs_to_nobody(tmp_path: Path, data: bytes) -> None:
    disk = Disk(tmp_path)
    disk.put(LEASE_KEY, data)
    with Lease(disk) as lease:
        lease.check()


def test_a_lease_that_is_renewed_is_not_taken_over_whatever_its_clock_says(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    write_lease(disk, host="elsewhere", renewed_at=time.time() - 300)
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(0.2):
            write_lease(disk, host="elsewhere", renewed_at=time.time() - 300)

    renewer = threading.Thread(target=renew)
    renewer.start()
    try:
        with pytest.raises(LockedError, match="on elsewhere"), Lease(disk, renew_s=0.5):
            pass
    finally:
        ended.set()
        renewer.join()


def test_who_lives_is_told_by_no_clock_and_in_no_other_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    me = this_process()
    assert is_alive(me)
    assert is_alive({**me, "host": "elsewhere"}) is None
    assert is_alive({**me, "world": "another container"}) is None
    assert is_alive({**me, "started": me["started"] + 1}) is False
    # What psutil adds to a process's age moves with the clock of the host.
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: 0.0)
    if Path("/proc/self/stat").exists():
        assert is_alive(me)

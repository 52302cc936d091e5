"""The lease: one driver at a time, and no dead one for long."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage.disk import Disk
from storage.errors import LockedError
from storage.lease import LEASE_KEY, Lease, is_stale, this_process


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
    write_lease(disk, host="elsewhere", renewed_at=time.time() - 61)
    with Lease(disk) as lease:
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


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"host": 1}'])
def test_a_lease_that_cannot_be_read_belongs_to_nobody(tmp_path: Path, data: bytes) -> None:
    disk = Disk(tmp_path)
    disk.put(LEASE_KEY, data)
    with Lease(disk) as lease:
        lease.check()


def test_staleness_is_told_from_the_clock_for_other_hosts_only() -> None:
    old = {**this_process(), "renewed_at": 0.0}
    assert not is_stale(old, now=1e9)
    assert is_stale({**old, "host": "elsewhere"}, now=1e9)

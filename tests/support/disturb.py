"""What happens to a run: a process killed, a disk full, a store out of reach; each as a scene to run in."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from pipeline.inflight import TASKS_PER_THREAD
from storage.bucket import Bucket
from storage.disk import Disk
from storage.files import Files
from tests.support.dask_processes import running_dask
from tests.support.faulty_proxy import Fault, FaultyProxy
from tests.support.object_storage import REGION, S3Server
from tests.support.slurm import Slurm

Driver = subprocess.Popen[str]
# What is killed itself has no last word.
KILLED = "^$"
# Part of the configuration of the workspace that all scenes are copies of.
PROFILES = """
[cluster.processes]
kind = "local"
workers = 2
memory_gib = 2.0

[cluster.again]
kind = "threads"
workers = 2
memory_gib = 2.0
"""
_JOBS = """
[cluster.jobs]
kind = "slurm"
workers = 2
memory_gib = 1.0
options = { queue = "main", walltime = "00:20:00" }
"""
_THERE = """
[cluster.there]
kind = "address"
address = "{}"
"""
_LOCAL_ONLY = ("dexome.toml", ".swap", "cluster/")
_EVERY = 10**9
_ROOMY = "256m"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A workspace to run in, and what goes wrong there.

    `strike` is called in the midst of a run on `cluster` (None: it happens by itself). `ends_with` is
    found in the error of a run that ends by it; empty: it must end well all the same. `mended` surrounds the
    run after it, on the cluster that it yields. `files` is where the compendium is, whatever goes wrong, and
    `in_flight` how many studies can be lost while they are computed, to be computed once more.
    """

    work: Path
    files: Files
    cluster: str
    strike: Callable[[Driver], None] | None
    ends_with: str = ""
    in_flight: int = 0
    mended: Callable[[], AbstractContextManager[str]] = lambda: nullcontext("again")


def kill_driver(base: Path, root: Path) -> AbstractContextManager[Scene]:
    """The driver is killed; its workers notice by themselves."""
    return _on_disk(base, root, lambda driver: driver.kill(), ends_with=KILLED, in_flight=2)


def kill_worker(base: Path, root: Path) -> AbstractContextManager[Scene]:
    """One of two workers on this machine is killed."""

    def strike(driver: Driver) -> None:
        first, *_ = _workers_of(driver.pid)
        first.kill()

    return _on_disk(base, root, strike, in_flight=1)


@contextmanager
def kill_nanny(base: Path, root: Path) -> Iterator[Scene]:
    """The process above one of two workers of a scheduler that was there already is killed."""
    with running_dask(root / "dask") as dask:
        work = _workspace(base, root, _THERE.format(dask.address))
        yield Scene(
            work=work,
            files=Disk(work),
            cluster="there",
            strike=lambda _: dask.nannies[0].kill(),
            in_flight=1,
        )


@contextmanager
def kill_scheduler(base: Path, root: Path) -> Iterator[Scene]:
    """The scheduler that was there already is killed, and another one is started in its place."""
    with running_dask(root / "dask") as dask:
        work = _workspace(base, root, _THERE.format(dask.address))

        @contextmanager
        def mended() -> Iterator[str]:
            port = int(dask.address.rpartition(":")[2])
            with running_dask(root / "dask-again", workers=1, port=port):
                yield "there"

        yield Scene(
            work=work,
            files=Disk(work),
            cluster="there",
            strike=lambda _: dask.scheduler.kill(),
            in_flight=2,
            ends_with=r"the scheduler at \S+ is gone; start it|no scheduler answers at",
            mended=mended,
        )


def kill_controller(
    base: Path, root: Path, slurm: Slurm, away_s: float
) -> AbstractContextManager[Scene]:
    """Slurm's controller is killed while jobs run, and is back a while later."""

    def strike(_: Driver) -> None:
        slurm.kill_controller()
        time.sleep(away_s)
        slurm.start_controller()

    return _on_disk(base, root, strike, cluster="jobs")


@contextmanager
def fill_disk(base: Path, root: Path, needs: int, fraction: float) -> Iterator[Scene]:
    """The disk has room for a fraction of what a run needs, until there is more.

    The moment is where the room ends; nothing is struck.
    """
    work = root / "full"
    work.mkdir()
    made = _mount("-t", "tmpfs", "-o", f"size={_ROOMY}", "tmpfs", str(work))
    if made.returncode:
        pytest.skip(f"needs the right to mount a tmpfs: {made.stderr.strip()}")
    try:
        shutil.copytree(base, work, dirs_exist_ok=True)
        found = os.statvfs(work)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        _resize(work, f"{(used + int(fraction * needs)) // 1024}k")

        @contextmanager
        def mended() -> Iterator[str]:
            _resize(work, _ROOMY)
            yield "again"

        yield Scene(
            work=work,
            files=Disk(work),
            cluster="processes",
            strike=None,
            # What is queued is tried too, before the workers are closed.
            in_flight=2 * TASKS_PER_THREAD + 1,
            ends_with=rf"cannot write {re.escape(str(work))}/\S+: the disk is full; free space and run",
            mended=mended,
        )
    finally:
        subprocess.run(["umount", str(work)], check=True)


@contextmanager
def cut_off(
    base: Path,
    root: Path,
    server: S3Server,
    proxy: FaultyProxy,
    fault: Fault,
    away_s: float | None,
) -> Iterator[Scene]:
    """The bucket has a fault for a while, and until it has been asked for something.

    `away_s=None`: it has it until the driver, which must not be patient, has ended by it.
    """
    address = server.address(root.name)
    text = (
        f'\n[storage]\naddress = "{address}"\nendpoint = "{proxy.endpoint}"\nregion = "{REGION}"\n'
    )
    work = root / "ws"
    work.mkdir()
    shutil.copy(base / "dexome.toml", work)
    _add(work, text)
    bucket, disk = Bucket(address, server.endpoint, REGION), Disk(base)
    for key in disk.list(""):
        if not key.startswith(_LOCAL_ONLY):
            bucket.stage(key, disk.read(key) or b"")

    def strike(driver: Driver) -> None:
        proxy.set(fault)
        time.sleep(away_s or 0.0)
        while driver.poll() is None and (away_s is None or not proxy.asked()):
            time.sleep(0.05)
        proxy.set()

    proxy.set()
    outlasts = away_s is None
    yield Scene(
        work=work,
        files=bucket,
        cluster="processes",
        strike=strike,
        in_flight=2 * TASKS_PER_THREAD + 1 if outlasts else 0,
        ends_with=rf"cannot \w+ {re.escape(address)}\S*: .*; check the address, the connection"
        if outlasts
        else "",
    )


OUTAGE = Fault("outage", 1, of="requests")
STORM = Fault("busy", 1, _EVERY, of="requests")


def disk_bytes(folder: Path) -> int:
    """Bytes that the files of a folder take on a tmpfs: whole pages."""
    page = os.sysconf("SC_PAGE_SIZE")
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sum(-(-path.stat().st_size // page) * page for path in files)


@contextmanager
def _on_disk(
    base: Path,
    root: Path,
    strike: Callable[[Driver], None],
    *,
    cluster: str = "processes",
    ends_with: str = "",
    in_flight: int = 0,
) -> Iterator[Scene]:
    work = _workspace(base, root, _JOBS)
    yield Scene(
        work=work,
        files=Disk(work),
        cluster=cluster,
        strike=strike,
        ends_with=ends_with,
        in_flight=in_flight,
    )


def _workspace(base: Path, root: Path, profile: str = "") -> Path:
    work = root / "ws"
    shutil.copytree(base, work)
    _add(work, profile)
    return work


def _add(work: Path, text: str) -> None:
    with (work / "dexome.toml").open("a") as file:
        file.write(text)


def _resize(work: Path, size: str) -> None:
    done = _mount("-o", f"remount,size={size}", str(work))
    assert done.returncode == 0, done.stderr


def _mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True, check=False, text=True)
    except FileNotFoundError:
        pytest.skip("needs the command mount")


def _workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes below a driver."""
    try:
        below = psutil.Process(pid).children(recursive=True)
        return [child for child in below if "spawn_main" in " ".join(child.cmdline())]
    except psutil.NoSuchProcess:
        return []

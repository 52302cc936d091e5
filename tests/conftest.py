"""Fixtures that many tests share."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import storage.disk
from tests.support.slurm import Slurm, running_slurm

MEMORY = Path("/dev/shm")
MEMORY_WANTED = 8 * 2**30


def pytest_configure() -> None:
    """Let tests write into memory, where there is much: what they wait for is syncs, of which a disk
    makes hundreds a second. `--basetemp` and `PYTEST_DEBUG_TEMPROOT` overrule it.
    """
    there = MEMORY.is_dir() and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    if there and shutil.disk_usage(MEMORY).free >= MEMORY_WANTED:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(autouse=True)
def no_step_hook_is_left_behind() -> Iterator[None]:
    """A test that hooks the disk must not trouble the next one."""
    yield
    storage.disk.step_hook = None


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of 256 KiB, so that it can be filled or made read-only."""
    point = tmp_path / "tiny"
    point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(point)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False, text=True)
    except FileNotFoundError:
        pytest.skip("needs the command mount")
    if made.returncode:
        pytest.skip(f"needs the right to mount a tmpfs: {made.stderr.strip()}")
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=True)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A Slurm of this machine, which commands find by their environment."""
    before = os.environ.get("SLURM_CONF")
    with running_slurm(tmp_path_factory.mktemp("slurm") / "root") as running:
        os.environ.update(running.environment)
        try:
            yield running
        finally:
            del os.environ["SLURM_CONF"]
            if before is not None:
                os.environ["SLURM_CONF"] = before
    daemons = {"munged", "slurmctld", "slurmd", "slurmstepd"}
    left = [p.name() for p in psutil.Process().children(recursive=True) if p.name() in daemons]
    assert not left, "daemons were left behind"

"""Fixtures that many tests share."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import storage.disk


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

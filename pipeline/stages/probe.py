"""What a worker sees of a workspace, asked before work is sent to it."""

import hashlib
import os
import platform
import socket
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from storage.errors import DexomeError
from storage.files import Files

# In the place of a workspace's files.
PROBES = ".probes"
# Versions of these decide the numbers, or what driver and workers can say to each other.
PACKAGES = (
    *("dexome", "dask", "distributed", "numpy", "scipy", "numba", "pandas", "pyarrow"),
    *("xarray", "zarr", "threadpoolctl"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What a process says of itself, and of a workspace.

    `config` is the SHA-256 of the file of settings, empty where there is none; `question` what was read of
    the driver's probe, and `problem` why the worker's own could not be written or deleted.
    """

    host: str
    python: str
    versions: dict[str, str]
    safe_path: bool
    config: str = ""
    question: str = ""
    problem: str = ""
    unseen: tuple[str, ...] = ()


def look(config: Path, probe: Path, inputs: Sequence[Path]) -> Sight:
    """Read the settings and the driver's probe, write an answer beside it, and look for the inputs."""
    return Sight(
        host=socket.gethostname(),
        python=platform.python_version(),
        versions=installed_versions(),
        safe_path=bool(sys.flags.safe_path) or os.environ.get("PYTHONSAFEPATH") == "1",
        config=hashlib.sha256(config.read_bytes()).hexdigest() if config.is_file() else "",
        question=probe.read_text() if probe.is_file() else "",
        problem=_write_and_delete(
            probe.with_name(f"{probe.name}-{socket.gethostname()}-{os.getpid()}")
        ),
        unseen=tuple(str(path) for path in inputs if not path.exists()),
    )


def try_files(disk: Files) -> str:
    """Write, read and delete in the place of a workspace's files; what went wrong, empty: nothing."""
    key, token = f"{PROBES}/{uuid.uuid4().hex}", uuid.uuid4().hex.encode()
    try:
        disk.put(key, token)
        read = disk.read(key)
        disk.delete(key)
    except DexomeError as error:
        return str(error)
    return "" if read == token else f"reads {disk.address(key)} otherwise than it was written"


def installed_versions() -> dict[str, str]:
    """Versions of the packages that matter; empty: not installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = ""
    return found


def _write_and_delete(path: Path) -> str:
    try:
        path.write_text("answer")
        path.unlink()
    except OSError as error:
        return f"{path}: {error.strerror}"
    return ""

"""A scheduler and its workers as others run them: processes that a profile joins by address."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from distributed.utils import open_port


@dataclass(frozen=True, slots=True)
class DaskProcesses:
    """A running scheduler and the nannies of its workers."""

    address: str
    scheduler: subprocess.Popen[bytes]
    nannies: list[subprocess.Popen[bytes]]


@contextmanager
def running_dask(
    folder: Path, workers: int = 2, port: int | None = None
) -> Iterator[DaskProcesses]:
    """Start them all at once; workers wait for their scheduler, and so does a client."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or open_port("127.0.0.1")
    address = f"tcp://127.0.0.1:{port}"
    scheduler = _start(folder, "scheduler", "--port", str(port), "--no-show")
    command = ("worker", address, "--nthreads", "1", "--memory-limit", "2GiB")
    nannies = [
        _start(folder, *command, "--local-directory", str(folder / f"worker-{number}"))
        for number in range(workers)
    ]
    started = [*nannies, scheduler]
    try:
        yield DaskProcesses(address, scheduler, nannies)
    finally:
        below = [
            child
            for process in started
            if process.poll() is None
            for child in psutil.Process(process.pid).children(recursive=True)
        ]
        for process in started:
            process.kill()
            process.wait()
        for child in below:
            if child.is_running():
                child.kill()
        psutil.wait_procs(below, 20)


def _start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *arguments]
    command += ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env={**os.environ, "PYTHONSAFEPATH": "1"}
        )

"""The command `dexome` as a process of its own."""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parents[2]
# What runs in the background of a script is born with Ctrl-C ignored, and would hand that down.
_HEED_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = [sys.executable, "-c", f"{_HEED_CTRL_C}; from pipeline.main import main; main()"]


def dexome(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a process that has its imports already."""
    told = [*map(str, arguments)]
    with tempfile.NamedTemporaryFile("r") as stdout, tempfile.NamedTemporaryFile("r") as stderr:
        order = {
            "arguments": told,
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ),
            "stdout": stdout.name,
            "stderr": stderr.name,
        }
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(f"{json.dumps(order)}\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        return subprocess.CompletedProcess(["dexome", *told], code, stdout.read(), stderr.read())


def dexome_from_nothing(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a process that heeds what Python itself reads of its environment."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def start_dexome(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start a command in a process group of its own, from nothing."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@functools.cache
def _server() -> subprocess.Popen[str]:
    code = f"{_HEED_CTRL_C}; from tests.support.command_server import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    atexit.register(process.communicate)
    return process

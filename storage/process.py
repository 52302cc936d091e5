"""Which process wrote something: told apart from any other, on any host, before and after it."""

import os
import socket
from pathlib import Path
from typing import Any

import psutil


def this_process() -> dict[str, Any]:
    """What tells this process from any other."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "world": _world(), "pid": pid, "started": _started(pid)}


def is_alive(process: dict[str, Any]) -> bool | None:
    """Whether a process lives that `this_process` told of; None where this host can't tell.

    That is so of one on another host, or in another container of this name, or before the host began anew.
    """
    if (process.get("host"), process.get("world")) != (socket.gethostname(), _world()):
        return None
    try:
        return bool(_started(int(process["pid"])) == process["started"])
    except (psutil.NoSuchProcess, KeyError, TypeError, ValueError):
        return False


def _world() -> str:
    """Where a process id means the same: one run of a kernel, and a container's namespace; "": the host."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> float:
    """When a process began; on Linux in ticks since the kernel did, which no one who sets the clock moves."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return psutil.Process(pid).create_time()
    # The name in parentheses may hold blanks and parentheses.
    return float(stat.rpartition(")")[2].split()[19])

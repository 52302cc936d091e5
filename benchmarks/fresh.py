"""Running code in a process of its own, and what that used."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

# Not getrusage: its peak is at least that of the process that started this one. VmHWM begins anew.
_EPILOGUE = """
import json, re, resource, time
try:
    with open("/proc/self/status") as file:
        peak_kib = int(re.search(r"VmHWM:\\s+(\\d+)", file.read())[1])
except OSError:
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
told = {"peak_mb": peak_kib * 1024 / 1e6, "cpu_s": time.process_time(), "result": result}
print(json.dumps(told))
"""


@dataclass(frozen=True, slots=True)
class Used:
    """Peak resident memory of a process [MB], its wall and CPU seconds from start to end, its `result`."""

    peak_mb: float
    wall_s: float
    cpu_s: float
    result: Any


def run_fresh(code: str, *arguments: str) -> Used:
    """Run `code`, which sets `result`, in a fresh Python far from the checkout; a warning is an error."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code + _EPILOGUE, *arguments],
        stdout=subprocess.PIPE,
        check=True,
        cwd="/",
        text=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return Used(told["peak_mb"], time.perf_counter() - started, told["cpu_s"], told["result"])

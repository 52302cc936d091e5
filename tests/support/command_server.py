"""`dexome` in forks of one process that has imported it, each with its own environment and folder.

Its `main` reads an order a line, as JSON, and answers each with the exit code. Most commands take less time
than their imports.
"""

import importlib
import json
import os
import sys
import threading

# What commands import when they need it, without threads of their own. JAX is not among them: it reads its
# environment where it is imported.
_MODULES = (
    "pipeline.cli",
    "pipeline.run",
    "pipeline.run_enrich",
    "pipeline.run_prepare",
    "pipeline.dea.study",
    "scipy.linalg",
    "cluster.connect",
    "distributed.dashboard.scheduler",
)


def main() -> None:
    """Fork for each order, until there are no more."""
    for name in _MODULES:
        importlib.import_module(name)
    assert threading.active_count() == 1, "what was imported has begun a thread"
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _follow(json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _follow(order: dict[str, object]) -> None:
    """Become the command; ends this fork as the command ends."""
    from pipeline.main import main as command

    for number, path in enumerate((os.devnull, str(order["stdout"]), str(order["stderr"]))):
        file = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    os.chdir(str(order["folder"]))
    sys.argv = ["dexome", *order["arguments"]]  # type: ignore[misc]
    command()
    sys.exit()

"""Kill a fetch at every so many steps on the disk, fetch again, and compare; a program of its own.

`python -m tests.support.fetch_driver ROOT MIRROR STRIDE` prints a line of JSON. Fetches run in forks of
one thread-free process.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import storage.disk
from pipeline.workspace import Workspace
from tests.support.fetched import fetch_into, source_of, workspace_of
from tests.support.in_forks import import_what_it_imports


def main(root: Path, mirror: Path, stride: int) -> None:
    """Try every `stride`-th step, until a fetch is not killed any more."""
    studies = ("SRP990000000", "SRP990000003")
    settings = source_of(mirror, accessions=studies)
    undisturbed = workspace_of(root / "undisturbed", mirror, settings)
    import_what_it_imports(lambda: fetch_into(undisturbed))
    wanted = _content(undisturbed)
    step, tried, failures = 0, 0, []
    while True:
        trial = workspace_of(root / "trial", mirror, settings)
        killed = _killed_at(trial, step)
        if killed:
            torn = {key for key, digest in _content(trial).items() if wanted[key] != digest}
            _killed_at(trial, None)
            if torn or _content(trial) != wanted or list(trial.raw.root.rglob("*.tmp-*")):
                failures.append({"step": step, "torn": sorted(torn)})
        shutil.rmtree(trial.root)
        if not killed:
            break
        tried, step = tried + 1, step + stride
    sys.stdout.write(json.dumps({"tried": tried, "failures": failures}) + "\n")


def _content(workspace: Workspace) -> dict[str, str]:
    """Every file that has its final name, but for notes of when it came and the lease."""
    root = workspace.root / "raw"
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
        and not path.name.startswith((".tmp-", "."))
        and path.suffix != ".fetched"
        and ".partial" not in path.parts
    }


def _killed_at(workspace: Workspace, step: int | None) -> bool:
    """Fetch in a fork that is killed at a step; say whether it was."""
    child = os.fork()
    if child == 0:
        numbered = iter(range(10**9))

        def die_at(kind: str, path: Path) -> None:
            del kind, path
            if next(numbered) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        storage.disk.step_hook = die_at
        code = 1
        try:
            code = 0 if fetch_into(workspace).refused == {} else 2
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

"""What each process of a run begins and ends, as lines of one file; no part of the program.

Every Python that has this folder on PYTHONPATH imports this module as it starts: driver, workers, jobs.
See `tests.support.traced`.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_FILE = os.environ.get("DEXOME_TESTS_TRACE", "")
# What a real study takes, so that a moment can fall into it.
_PAUSE_S = float(os.environ.get("DEXOME_TESTS_PAUSE_S", "0"))
_IMPATIENT = bool(os.environ.get("DEXOME_TESTS_IMPATIENT"))
_task = threading.local()


def _note(word: str, study: str) -> None:
    """Add a line; one write to a file that is open for appending is never torn by another process."""
    line = f"{word}\t{study}\t{getattr(_task, 'token', '')}\n".encode()
    descriptor = os.open(_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def _before(module: ModuleType, name: str, note: Callable[..., None]) -> None:
    function = vars(module)[name]

    @wraps(function)
    def noted(*arguments: Any) -> Any:
        note(*arguments)
        time.sleep(_PAUSE_S)
        return function(*arguments)

    vars(module)[name] = noted


def _trace_plan(module: ModuleType) -> None:
    _before(module, "plan_study", lambda task: _note("planned", task.study))


def _trace_analysis(module: ModuleType) -> None:
    def begin(item: Any) -> None:
        _task.token = f"{os.getpid()}-{threading.get_ident()}-{time.time_ns()}"
        _note("begun", item.task.study)

    write = vars(module)["write_part"]

    def noted(disk: Any, part: Any) -> str:
        digest: str = write(disk, part)
        _note("written", part.study)
        return digest

    _before(module, "analyse_planned", begin)
    _before(module, "make_part", lambda task, _: _note("computed", task.study))
    vars(module)["write_part"] = noted


def _trace_shards(module: ModuleType) -> None:
    _before(module, "write_shards", lambda *_: _note("shards", ""))


def _shorten_patience(module: ModuleType) -> None:
    if _IMPATIENT:
        vars(module)["_RETRIES"]["max_retries"] = 1


_TRACED = {
    "pipeline.stages.plan_study": _trace_plan,
    "pipeline.stages.analyse_study": _trace_analysis,
    "storage.shards": _trace_shards,
    "storage.object_client": _shorten_patience,
}


class _Tracer(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own spec, which traces it once it is executed."""
        if name not in _TRACED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        loader = spec.loader if spec else None
        if loader is None:
            return spec
        execute = loader.exec_module

        def execute_and_trace(module: ModuleType) -> None:
            execute(module)
            _TRACED[name](module)

        vars(loader)["exec_module"] = execute_and_trace
        return spec


if _FILE:
    sys.meta_path.insert(0, _Tracer())

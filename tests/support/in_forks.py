"""Functions in forks of this process, which has no threads: what a function starts ends with its fork."""

import importlib
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable


def fork_status(function: Callable[[], object]) -> int:
    """Call a function in a fork; the fork's status, as `os.waitpid` gives it."""
    child = os.fork()
    if child == 0:
        exit_with(function)
    return os.waitpid(child, 0)[1]


def in_fork(function: Callable[[], object]) -> None:
    """Call a function in a fork, where it must not fail."""
    assert fork_status(function) == 0


def answer(function: Callable[[], str]) -> str:
    """A string computed in a fork."""
    with tempfile.TemporaryFile() as file:
        in_fork(lambda: os.write(file.fileno(), function().encode()))
        file.seek(0)
        return file.read().decode()


def import_what_it_imports(function: Callable[[], object]) -> None:
    """Call a function in a fork, and import here what it imported there: later forks have it then."""
    here = set(sys.modules)

    def names() -> str:
        function()
        # Without a spec a module was not imported but made, by another one.
        return " ".join(
            name
            for name, module in sorted(sys.modules.items())
            if name not in here and getattr(module, "__spec__", None)
        )

    for name in answer(names).split():
        importlib.import_module(name)
    assert threading.active_count() == 1, "what was imported has begun a thread"


def exit_with(function: Callable[[], object]) -> None:
    """End this fork with 0, or with 1 and the traceback."""
    code = 1
    try:
        function()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)

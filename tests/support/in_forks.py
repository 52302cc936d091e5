"""Functions in forks of this process, which has no threads: what a function starts ends with its fork."""

import os
import sys
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
    read, write = os.pipe()
    in_fork(lambda: os.write(write, function().encode()))
    os.close(write)
    with os.fdopen(read) as file:
        return file.read()


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

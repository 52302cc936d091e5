"""One BLAS thread for every task, in whatever thread of whatever process it runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0
_limits: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread meanwhile: the same bytes on every machine of one kind of CPU.

    The limit is the process's. Where tasks run in threads of one process it holds from the first that
    begins to the last that ends: whoever ends earlier must not lift it for the others.
    """
    global _inside, _limits
    with _lock:
        if _inside == 0:
            _take_control()
            _limits = _controller().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _take_control()
                _limits.restore_original_limits()
                _take_control()


@cache
def _controller() -> ThreadpoolController:
    """The libraries of this process; finding them takes longer than many a task."""
    # Both bring a BLAS of their own: they must be here before their threads can be limited.
    import numpy  # noqa: F401
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()


def _take_control() -> None:
    """Let the calling thread set limits: threadpoolctl heeds the first thread that did, and no other."""
    for library in _controller().lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)

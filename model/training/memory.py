"""Memory that was freed, given back to the system."""

import ctypes
import gc

# To look for less takes longer than it is worth: all objects of the process are walked.
_WORTH = 2**28


def release_memory(n_bytes: int) -> None:
    """Give freed memory back, where it may be much: the allocator keeps the copies that a checkpoint of
    `n_bytes` was written from, or read into, otherwise.

    Of glibc only; elsewhere nothing is done.
    """
    if n_bytes < _WORTH:
        return
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

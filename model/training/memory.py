"""Memory that was freed, given back to the system."""

import ctypes
import gc


def release_memory() -> None:
    """Give freed memory back: the allocator keeps the copies that a checkpoint was written from otherwise.

    Of glibc only; elsewhere nothing is done.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

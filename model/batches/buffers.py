"""Host memory for batches, used again as soon as the device has let go of it, and never before."""

import gc
import weakref
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

import jax
import numpy as np
import numpy.typing as npt
from jax import Device
from jax.sharding import Sharding

Placement: TypeAlias = Device | Sharding | None

# XLA takes memory on the host as it is, without a copy, only from such an address on.
_ALIGNMENT = 64
_POLL_S = 0.005


class Buffers:
    """A few buffers of one shape, lent out one by one.

    A device on the host itself computes on a buffer without a copy. So a buffer is free again when the
    runtime has dropped its last reference to it, which is noticed by a weak reference, not by counting steps.
    Memory is bounded by `limit` buffers, and one more for each batch beyond them that the caller keeps.
    """

    def __init__(self, shape: Sequence[int], limit: int, placement: Placement = None) -> None:
        self._shape = tuple(shape)
        self._limit = limit
        self._placement = placement
        self._free: SimpleQueue[npt.NDArray[np.uint16]] = SimpleQueue()
        self._held: set[int] = set()
        self._dropped: SimpleQueue[int] = SimpleQueue()
        self._serial = 0
        self._lent = 0
        self.made = 0

    def acquire(self) -> npt.NDArray[np.uint16]:
        """A free buffer (row, gene); waits while the device still works on all of them."""
        while True:
            buffer = self._find()
            if buffer is not None:
                self._lent += 1
                return buffer

    def _find(self) -> npt.NDArray[np.uint16] | None:
        """A free buffer, or a new one; None where another look is worth while."""
        try:
            while self.made > self._limit and self._free.qsize() > 1:
                self._free.get_nowait()
                self.made -= 1
            return self._free.get_nowait()
        except Empty:
            pass
        # Those with the caller, and those that wait to be sent, can't become free while we wait here.
        if self.made < self._limit or self._n_held() + self._lent >= self.made:
            self.made += 1
            return _aligned(self._shape)
        # The runtime drops its references when Python collects garbage or calls it next.
        gc.collect(0)
        try:
            return self._free.get(timeout=_POLL_S)
        except Empty:
            return None

    def release(self, buffer: npt.NDArray[np.uint16]) -> None:
        """Give back a buffer that was not sent."""
        self._lent -= 1
        self._free.put(buffer)

    def send(self, buffer: npt.NDArray[np.uint16]) -> jax.Array:
        """The buffer as a float16 array on the device; it becomes free when nothing refers to that."""
        # All that the runtime keeps refers to this array, which alone refers to the buffer's memory.
        self._lent -= 1
        raw: Any = buffer
        lease = np.frombuffer(memoryview(raw).cast("B"), np.float16)
        weakref.finalize(lease, self._free.put, buffer).atexit = False
        array: jax.Array = jax.device_put(lease.reshape(self._shape), self._placement)
        self._serial += 1
        self._held.add(self._serial)
        weakref.finalize(array, self._dropped.put, self._serial).atexit = False
        return array

    def _n_held(self) -> int:
        """Arrays sent that the caller still has."""
        while not self._dropped.empty():
            self._held.discard(self._dropped.get_nowait())
        return len(self._held)


def _aligned(shape: Sequence[int]) -> npt.NDArray[np.uint16]:
    size = int(np.prod(shape)) * 2
    raw = np.empty(size + _ALIGNMENT, np.uint8)
    first = -raw.ctypes.data % _ALIGNMENT
    return raw[first : first + size].view(np.uint16).reshape(shape)

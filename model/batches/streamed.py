"""The streamed loader: rows read by a few threads into reused buffers, while the device computes."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from model.batches.batch import Batch, Rows
from model.batches.buffers import Buffers, Placement
from model.batches.row_reader import RowReader
from storage.training_copy import TrainingCopy


@dataclass(frozen=True, slots=True)
class _Pending:
    """A batch that is being read: a buffer for each array, and the reads into them."""

    rows: Rows
    buffers: dict[str, npt.NDArray[np.uint16]]
    reads: list["Future[None]"]


class StreamedLoader:
    """Batches of a copy of any size; `ahead` of them at most are read before they are asked for.

    Steps are only queued: while the device computes one, `threads` threads read the next batch, and its
    transfer is begun before the step ends. Memory: `ahead` + 2 buffers for each array.
    """

    def __init__(
        self,
        copy: TrainingCopy,
        batch_size: int,
        *,
        se: bool = False,
        threads: int = 1,
        ahead: int = 0,
        placement: Placement = None,
    ) -> None:
        if threads < 1 or ahead < 0:
            raise ValueError(
                f"threads must be at least 1 and ahead at least 0, got {threads} and {ahead}"
            )
        names = ("logfc", "se") if se else ("logfc",)
        self._readers = {name: RowReader(copy, name) for name in names}
        self._buffers = {
            name: Buffers((batch_size, copy.n_genes), ahead + 2, placement) for name in names
        }
        self._batch_size = batch_size
        self._ahead = ahead
        bounds = [batch_size * i // threads for i in range(threads + 1)]
        self._slices = [(first, stop) for first, stop in pairwise(bounds) if stop > first]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="loader")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def batches(self, rows: Rows) -> Iterator[Batch]:
        """The batches of `rows` (step, batch), one after the other; −1 stands for a row of NaN.

        Raises
        ------
        StoreError
            A chunk file is missing or too short; the message names it.
        """
        if rows.ndim != 2 or rows.shape[1] != self._batch_size:
            raise ValueError(f"rows must be (step, {self._batch_size}), got {rows.shape}")
        for reader in self._readers.values():
            reader.check(rows)
        pending: deque[_Pending] = deque()
        try:
            for of_batch in rows:
                pending.append(self._begin(of_batch))
                if len(pending) > self._ahead:
                    yield self._finish(pending)
            while pending:
                yield self._finish(pending)
        finally:
            self._abandon(pending)

    def close(self) -> None:
        """Stop the threads and close all files."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for reader in self._readers.values():
            reader.close()

    @property
    def buffers_made(self) -> int:
        """Buffers in memory, of all arrays."""
        return sum(buffers.made for buffers in self._buffers.values())

    def _begin(self, rows: Rows) -> _Pending:
        buffers = {name: self._buffers[name].acquire() for name in self._readers}
        reads = [
            self._pool.submit(reader.read, rows[first:stop], buffers[name][first:stop])
            for name, reader in self._readers.items()
            for first, stop in self._slices
        ]
        return _Pending(rows, buffers, reads)

    def _finish(self, pending: "deque[_Pending]") -> Batch:
        first = pending[0]
        for read in first.reads:
            read.result()
        pending.popleft()
        sent = {name: self._buffers[name].send(buffer) for name, buffer in first.buffers.items()}
        return Batch(first.rows, sent["logfc"], sent.get("se"))

    def _abandon(self, pending: "deque[_Pending]") -> None:
        """Give back the buffers of batches that nobody asks for any more."""
        for each in pending:
            for read in each.reads:
                read.cancel()
            for read in each.reads:
                if not read.cancelled():
                    read.exception()
            for name, buffer in each.buffers.items():
                self._buffers[name].release(buffer)

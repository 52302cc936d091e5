"""What a random batch costs: the loaders beside plain preadv, and beside zarr's block reads of the store."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import zarr

from benchmarks.report import Bar, best_cpu_s, ratio_bar
from model.batches.batch import Loader
from model.batches.resident import ResidentLoader
from model.batches.rows import epoch_rows
from model.batches.streamed import StreamedLoader
from storage.training_copy import TrainingCopy

BATCH = 128
BLOCKS = 8
# A batch is read while another is computed on: what one buffer leaves in the cache, two do less.
ROTATING = 2
FLOOR_LIMIT = 1.5
BLOCK_LIMIT = 0.2


def measure_loaders(
    copy: TrainingCopy, store: Path, *, steps: int, repeats: int, threads: int, judged: bool
) -> list[Bar]:
    """CPU time of a batch, for logfc alone and for logfc with its standard errors."""
    bars = [Bar("batch", f"{BATCH} x {copy.n_genes} of {copy.n_rows} rows, {threads} threads")]
    for names in (("logfc",), ("logfc", "se")):
        bars += _measure(copy, store, names, steps, repeats, threads, judged)
    return bars


def _measure(
    copy: TrainingCopy,
    store: Path,
    names: tuple[str, ...],
    steps: int,
    repeats: int,
    threads: int,
    judged: bool,
) -> list[Bar]:
    se = "se" in names
    epochs = -(-steps // (copy.n_rows // BATCH))
    rows = np.arange(copy.n_rows)
    plain = _PlainReads(copy, names)
    before = psutil.Process().memory_info().rss
    with StreamedLoader(copy, BATCH, se=se, threads=threads) as streamed:
        # Which rows is part of a loader's work; the floor is given them.
        of_floor = _rows_of(rows, epochs, steps)

        def load(loader: Loader) -> Callable[[], None]:
            def run() -> None:
                for batch in loader.batches(_rows_of(rows, epochs, steps)):
                    batch.logfc.block_until_ready()
                    if batch.se is not None:
                        batch.se.block_until_ready()

            return run

        floor, rotating, loader = best_cpu_s(
            [
                lambda: plain.read(of_floor),
                lambda: plain.read(of_floor, ROTATING),
                load(streamed),
            ],
            repeats,
        )
        memory = psutil.Process().memory_info().rss - before
        buffers = streamed.buffers_made
    with ResidentLoader(copy, BATCH, se=se) as resident:
        (on_device,) = best_cpu_s([load(resident)], repeats)
    plain.close()
    n_blocks = min(BLOCKS, copy.n_rows // BATCH)
    (blocks,) = best_cpu_s([lambda: _read_blocks(store, names, n_blocks)], repeats)
    floor, rotating, loader, on_device, blocks = (
        1e3 * cost / n
        for cost, n in (
            (floor, steps),
            (rotating, steps),
            (loader, steps),
            (on_device, steps),
            (blocks, n_blocks),
        )
    )
    what = " with ".join(names)
    return [
        ratio_bar(
            f"CPU of a streamed batch of {what} / plain preadv of its rows into a reused buffer",
            f"{loader:.2f} ms / {floor:.2f} ms",
            loader / floor,
            FLOOR_LIMIT,
            judged=judged,
        ),
        ratio_bar(
            f"CPU of a streamed batch of {what} / zarr's block reads of the store, shuffled",
            f"{loader:.2f} ms / {blocks:.1f} ms",
            loader / blocks,
            BLOCK_LIMIT,
            judged=judged,
        ),
        Bar(
            f"the same plain reads of {what} into {ROTATING} buffers in turn, as the loader's",
            f"{rotating:.2f} ms: the loader takes {loader / rotating:.2f} x that",
        ),
        Bar(f"CPU of a resident batch of {what}", f"{on_device:.2f} ms"),
        Bar(
            f"buffers of the streamed loader of {what}",
            f"{buffers} of {BATCH * copy.row_bytes / 1e6:.1f} MB; RSS grew by {memory / 1e6:.0f} MB",
        ),
    ]


def _rows_of(rows: npt.NDArray[np.int64], epochs: int, steps: int) -> npt.NDArray[np.int64]:
    found = np.concatenate([epoch_rows(rows, BATCH, 0, epoch) for epoch in range(epochs)])
    return found[:steps]


class _PlainReads:
    """The floor: one thread, one preadv for each row, files opened before, one buffer for each array."""

    def __init__(self, copy: TrainingCopy, names: tuple[str, ...]) -> None:
        self._files = {
            name: [os.open(copy.chunk_file(name, i), os.O_RDONLY) for i in range(copy.n_chunks)]
            for name in names
        }
        self._height, self._width = copy.chunk_rows, copy.row_bytes
        self._buffers = {
            name: [memoryview(bytearray(BATCH * self._width)) for _ in range(ROTATING)]
            for name in names
        }

    def read(self, rows: npt.NDArray[np.int64], n_buffers: int = 1) -> None:
        width, height = self._width, self._height
        for step, of_batch in enumerate(rows.tolist()):
            for name, files in self._files.items():
                buffer = self._buffers[name][step % n_buffers]
                for place, row in enumerate(of_batch):
                    part = buffer[place * width : (place + 1) * width]
                    os.preadv(files[row // height], [part], row % height * width)

    def close(self) -> None:
        for files in self._files.values():
            for file in files:
                os.close(file)


def _read_blocks(store: Path, names: tuple[str, ...], n_blocks: int) -> None:
    """Random aligned blocks of the store into one buffer, and as many batches of its rows, shuffled."""
    rng = np.random.default_rng(0)
    group = zarr.open_group(store, mode="r")
    for name in names:
        array = group[name]
        assert isinstance(array, zarr.Array)
        buffer = np.empty((n_blocks * BATCH, array.shape[1]), np.float32)
        for place, block in enumerate(rng.permutation(array.shape[0] // BATCH)[:n_blocks].tolist()):
            buffer[place * BATCH : (place + 1) * BATCH] = array[block * BATCH : (block + 1) * BATCH]
        order = rng.permutation(len(buffer))
        out = np.empty((BATCH, array.shape[1]), np.float32)
        for first in range(0, len(buffer), BATCH):
            np.take(buffer, order[first : first + BATCH], axis=0, out=out)

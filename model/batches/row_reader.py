"""Reading rows of a training copy by offset, from its chunk files, into memory that is there already."""

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from storage.errors import StoreError
from storage.training_copy import TrainingCopy

# float16 NaN, as the copy has it for an entry that is not observed.
NAN_BITS = np.uint16(0x7E00)
# Files that one thread keeps open; the usual limit of a process is 1,024.
OPEN_FILES = 192


class RowReader:
    """Reads rows of one array of a copy; threads may share it, each keeps its own files open."""

    def __init__(self, copy: TrainingCopy, name: str) -> None:
        self._folder = copy.array_folder(name)
        self._chunk_rows = copy.chunk_rows
        self._row_bytes = copy.row_bytes
        self._n_rows = copy.n_rows
        self._of_thread = threading.local()
        self._all: list[_OpenFiles] = []

    def check(self, rows: npt.NDArray[np.int64]) -> None:
        """Raise `ValueError` unless all rows are of the copy, or −1."""
        if rows.size and not (rows.min() >= -1 and rows.max() < self._n_rows):
            raise ValueError(
                f"rows must be from −1 to {self._n_rows - 1}, got {rows.min()}…{rows.max()}"
            )

    def read(self, rows: npt.NDArray[np.int64], into: npt.NDArray[np.uint16]) -> None:
        """Read `rows` (row,), checked before, into `into` (row, gene), C-contiguous; −1 becomes NaN.

        Raises
        ------
        StoreError
            A chunk file is missing or too short; the message names it.
        """
        files = self._files()
        opened, preadv = files.opened, os.preadv
        height, width = self._chunk_rows, self._row_bytes
        raw: Any = into
        target = memoryview(raw).cast("B")
        start = 0
        for place, row in enumerate(rows.tolist()):
            part = target[start : start + width]
            start += width
            if row < 0:
                into[place] = NAN_BITS
                continue
            number = row // height
            descriptor = opened.get(number)
            if descriptor is None:
                descriptor = files.open(number)
            offset = (row - number * height) * width
            if preadv(descriptor, (part,), offset) != width:
                self._read_rest(number, descriptor, offset, part)

    def close(self) -> None:
        """Close all files; no thread may be reading."""
        for files in self._all:
            files.close()

    def _files(self) -> "_OpenFiles":
        found: _OpenFiles | None = getattr(self._of_thread, "files", None)
        if found is None:
            found = self._of_thread.files = _OpenFiles(self._folder)
            self._all.append(found)
        return found

    def _read_rest(self, number: int, descriptor: int, offset: int, part: memoryview) -> None:
        """Read a row again piece by piece: the system may give less than it was asked for."""
        done = 0
        while done < len(part):
            got = os.preadv(descriptor, [part[done:]], offset + done)
            if not got:
                raise StoreError(
                    f"{self._folder / str(number) / '0'} is too short; run `dexome prepare --rebuild`"
                )
            done += got


class _OpenFiles:
    """Descriptors of the chunk files that one thread has opened last, by number."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.opened: dict[int, int] = {}

    def open(self, number: int) -> int:
        path = self._folder / str(number) / "0"
        try:
            found = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise StoreError(
                f"cannot read {path} ({error.strerror}); run `dexome prepare --rebuild`"
            ) from error
        if len(self.opened) >= OPEN_FILES:
            # The one that was opened first; in a random order none is better.
            os.close(self.opened.pop(next(iter(self.opened))))
        self.opened[number] = found
        return found

    def close(self) -> None:
        while self.opened:
            os.close(self.opened.popitem()[1])

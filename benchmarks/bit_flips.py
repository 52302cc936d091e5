"""Whether a single flipped bit, anywhere in a shard or a part, is an error that names the file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.build import store_of
from benchmarks.report import Bar
from storage.disk import Disk
from storage.doctor import examine
from storage.errors import StoreError
from storage.generation import FOLDER, read_current, read_manifest
from storage.open import contrasts_of, open_compendium, samples_of, studies_of
from storage.parts import part_key, read_part


@dataclass(frozen=True, slots=True)
class Flip:
    """One flipped bit: whether its reader's error named the file, and whether doctor did."""

    file: Path
    bit: int
    named_by_reader: bool
    named_by_doctor: bool


def flip_bits(workspace: Path, n: int, seed: int = 15) -> list[Flip]:
    """Flip `n` random bits in shards and `n` in parts of a workspace, one at a time, and mend each."""
    disk = Disk(workspace)
    current = read_current(disk)
    assert current is not None
    manifest = read_manifest(disk, current.generation)
    readers: dict[Path, Callable[[], object]] = {}
    for study, known in manifest.parts.items():
        path = disk.path(part_key(study, known["key"]))
        readers[path] = lambda study=study, key=known["key"]: read_part(disk, study, key)  # type: ignore[misc]
    parts = sorted(readers)
    shards = [
        disk.path(f"{FOLDER}/{current.generation}/{file}") for file in sorted(manifest.shards)
    ]
    rng = np.random.default_rng(seed)
    flips = []
    for files in (shards, parts):
        for _ in range(n):
            path = files[rng.integers(len(files))]
            bit = int(rng.integers(8 * path.stat().st_size))
            with _flipped(path, bit):
                read = readers.get(path, lambda: read_everything(workspace))
                flips.append(Flip(path, bit, _names(read, path), _doctor_names(disk, path)))
    assert not examine(disk)[1], store_of(workspace)
    return flips


def measure_flips(workspace: Path, n: int) -> list[Bar]:
    """The lines of the table for `2 * n` flipped bits."""
    flips = flip_bits(workspace, n)
    bars = []
    for words, named in (
        ("the reader", [flip.named_by_reader for flip in flips]),
        ("`dexome doctor`", [flip.named_by_doctor for flip in flips]),
    ):
        bars.append(
            Bar(
                f"flipped bits in shards and parts that are an error of {words} naming the file",
                f"{sum(named)} of {len(named)}",
                "all",
                all(named),
            )
        )
    return bars


def read_everything(workspace: Path) -> None:
    """Read every value and label of the newest generation."""
    tree = open_compendium(workspace)
    for dataset in (contrasts_of(tree), studies_of(tree), samples_of(tree)):
        for variable in dataset.variables.values():
            np.asarray(variable.values)


def _names(read: Callable[[], object], path: Path) -> bool:
    try:
        read()
    except StoreError as error:
        return str(path) in str(error)
    return False


def _doctor_names(disk: Disk, path: Path) -> bool:
    return any(finding.file == str(path) for finding in examine(disk)[1])


@contextmanager
def _flipped(path: Path, bit: int) -> Iterator[None]:
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)
    try:
        yield
    finally:
        path.write_bytes(whole)

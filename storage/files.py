"""What a workspace needs of the place where its files are: a local disk, or a bucket."""

from collections.abc import Sequence
from typing import Protocol


class Files(Protocol):
    """Named bytes, read and committed; keys are relative, with slashes.

    `put`, `create` and `swap` are atomic and durable when they return: a reader sees the old bytes or
    the new ones, after a power loss too. All of it can be sent to a worker.
    """

    def __hash__(self) -> int:
        """Equal ones are the same place."""

    def address(self, key: str = "") -> str:
        """Where `key` lies, for people and for other programs: a path, or a URL without credentials."""

    def read(self, key: str) -> bytes | None:
        """Bytes under `key`, None where there is nothing."""

    def read_range(self, key: str, start: int, stop: int | None) -> bytes | None:
        """Bytes `start` to `stop`, as far as there are any; None: the end, from which a start < 0 counts."""

    def size(self, key: str) -> int | None:
        """Number of bytes under `key`, None where there is nothing."""

    def sha256(self, key: str) -> str | None:
        """SHA-256 of the bytes under `key`, in hexadecimal; None where there is nothing."""

    def folders(self, prefix: str) -> list[str]:
        """Names of the folders directly in the folder `prefix`, sorted; hidden ones too."""

    def list(self, prefix: str) -> list[str]:
        """Keys below the folder `prefix`, sorted, without temporary ones."""

    def is_complete(self, folder: str) -> bool:
        """Whether a Zarr store that is made visible by `publish` is there."""

    def stage(self, key: str, data: bytes) -> None:
        """Write `data` under a key below a folder that is being built: atomic, durable once published."""

    def put(self, key: str, data: bytes) -> None:
        """Write `data` under `key`, in the place of what is there."""

    def create(self, key: str, data: bytes) -> bool:
        """Write `data` under `key` if nothing is there; say whether it was written.

        Of any two `data` the bytes differ: that is how a writer whose answer was lost knows its own.
        """

    def swap(self, key: str, data: bytes | None, expected: bytes) -> bool:
        """Write `data` (None: delete) if `key` still holds `expected`; say whether it was done."""

    def link(self, source: str, target: str) -> None:
        """Stage the bytes of `source` under `target`, without moving them where possible."""

    def settle(self, building: str) -> None:
        """Make the complete folder `building` durable."""

    def publish(self, building: str, final: str, *, settled: bool = False) -> None:
        """Make the complete folder `building` durable, and visible as `final`, all of it at once.

        One that is `settled` is durable already.
        """

    def hide(self, folder: str) -> Sequence[str]:
        """Take a published folder out of sight, all of it at once; returns what is left to be deleted."""

    def delete(self, prefix: str) -> None:
        """Delete a key or a folder; nothing there is no error."""

    def sweep(self, prefix: str) -> int:
        """Delete what dead writers left half written below `prefix`; count it."""

"""Metrics as JSON lines: one for each step, one for each epoch."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from storage.errors import StoreError


class Metrics(Protocol):
    """Where metrics go."""

    def write(self, lines: list[dict[str, Any]]) -> None:
        """Add lines; they are safe from a kill of the process when this returns."""

    def go_back_to(self, step: int, epoch: int) -> None:
        """Forget the lines of later steps, and of `epoch` and later ones: those will be taken again."""


class JsonLines:
    """Metrics in a file of JSON lines; every line has a `step`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, lines: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise self._cannot_write(error) from error

    def go_back_to(self, step: int, epoch: int) -> None:
        kept = [
            line for line in self.read() if line["step"] <= step and line.get("epoch", -1) < epoch
        ]
        temporary = self.path.with_name(f".tmp-{self.path.name}")
        text = "".join(json.dumps(line) + "\n" for line in kept)
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise self._cannot_write(error) from error

    def read(self) -> list[dict[str, Any]]:
        """All whole lines; what a kill cut short is left out."""
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def _cannot_write(self, error: OSError) -> StoreError:
        return StoreError(
            f"cannot write {self.path}: {error.strerror}; free space and run the same command again"
        )


class NoMetrics:
    """Metrics that nobody wants."""

    def write(self, lines: list[dict[str, Any]]) -> None:
        pass

    def go_back_to(self, step: int, epoch: int) -> None:
        pass

"""Metrics for TensorBoard too: event files beside the JSON lines, which stay the truth."""

import shutil
from pathlib import Path
from typing import Any

from model.training.metrics import JsonLines
from storage.errors import InputError, StoreError

# Events are written by a thread; whoever looks on sees them after so many seconds.
_FLUSH_S = 5
# A line has a step's loss, or what an epoch came to.
_TAGS = {
    "loss": "step/loss",
    "train_loss": "epoch/train_loss",
    "validation_loss": "epoch/validation_loss",
    "learning_rate": "epoch/learning_rate",
    "seconds": "epoch/seconds",
}


class EventFiles:
    """Metrics as JSON lines and as TensorBoard's events; every step is in both once.

    The event files are a copy: when a training begins or goes on they are written anew from the lines that
    are kept, so that steps which are taken twice leave no trace.

    Raises
    ------
    InputError
        tensorboardX is not installed.
    """

    def __init__(self, lines: JsonLines, folder: Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise InputError(
                "--tensorboard needs the package tensorboardX; install it with "
                "`pip install 'tensorboardX>=2.6'`"
            ) from error
        self._make_writer = SummaryWriter
        self._lines = lines
        self._folder = folder
        self._writer: Any = None

    def write(self, lines: list[dict[str, Any]]) -> None:
        self._lines.write(lines)
        self._add(lines)

    def go_back_to(self, step: int, epoch: int) -> None:
        self._lines.go_back_to(step, epoch)
        self.close()
        try:
            if self._folder.exists():
                shutil.rmtree(self._folder)
        except OSError as error:
            raise StoreError(
                f"cannot clear {self._folder}: {error.strerror}; delete it and run the same command again"
            ) from error
        self._add(self._lines.read())

    def close(self) -> None:
        """Write out what is left."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _add(self, lines: list[dict[str, Any]]) -> None:
        if self._writer is None:
            self._writer = self._make_writer(str(self._folder), flush_secs=_FLUSH_S)
        for line in lines:
            for name, tag in _TAGS.items():
                if name in line:
                    self._writer.add_scalar(tag, line[name], line["step"])

"""Which loader a copy gets: by its size against a stated memory budget."""

from dataclasses import dataclass
from typing import Literal

from model.batches.batch import Loader
from model.batches.buffers import Placement
from model.batches.resident import ResidentLoader
from model.batches.streamed import StreamedLoader
from storage.training_copy import TrainingCopy


@dataclass(frozen=True, kw_only=True, slots=True)
class LoaderSettings:
    """How rows come to the device.

    With `kind` "auto" the copy lies on the device as a whole if it takes `budget_gib` at most, and is
    streamed otherwise. One thread reads unless more are asked for: a batch is read in milliseconds, and on a
    CPU more threads take more time from the step. With `ahead` 0 a batch is read when it is asked for, while
    the device computes the step before it, and two buffers stay in the processor's cache. That many more are
    read before: they help where the disk is slow by fits and starts.
    """

    kind: Literal["auto", "resident", "streamed"] = "auto"
    budget_gib: float = 4.0
    threads: int = 1
    ahead: int = 0

    def __post_init__(self) -> None:
        if self.budget_gib < 0:
            raise ValueError(f"budget_gib must not be negative, got {self.budget_gib}")
        if self.threads < 1:
            raise ValueError(f"threads must be at least 1, got {self.threads}")
        if self.ahead < 0:
            raise ValueError(f"ahead must not be negative, got {self.ahead}")


def loader_kind(
    copy: TrainingCopy, settings: LoaderSettings, *, se: bool
) -> Literal["resident", "streamed"]:
    """Which loader these settings choose."""
    if settings.kind != "auto":
        return settings.kind
    return "resident" if resident_bytes(copy, se=se) <= settings.budget_gib * 2**30 else "streamed"


def resident_bytes(copy: TrainingCopy, *, se: bool) -> int:
    """Bytes on the device of a resident copy."""
    return copy.n_rows * copy.row_bytes * (2 if se else 1)


def streamed_bytes(
    copy: TrainingCopy, batch_size: int, settings: LoaderSettings, *, se: bool
) -> int:
    """Bytes on the host of the streamed loader's buffers."""
    return (settings.ahead + 2) * batch_size * copy.row_bytes * (2 if se else 1)


def make_loader(
    copy: TrainingCopy,
    batch_size: int,
    settings: LoaderSettings | None = None,
    *,
    se: bool = False,
    placement: Placement = None,
) -> Loader:
    """The loader that the settings choose; `placement` is a device, or how a batch is spread over several."""
    settings = settings or LoaderSettings()
    if loader_kind(copy, settings, se=se) == "resident":
        return ResidentLoader(copy, batch_size, se=se, placement=placement)
    return StreamedLoader(
        copy,
        batch_size,
        se=se,
        threads=settings.threads,
        ahead=settings.ahead,
        placement=placement,
    )

"""All settings of a model: its network, its training, and the memory that it may take."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from model.networks.settings import PAPER_NETWORK, NetworkSettings
from model.training.settings import PAPER_TRAINING, TrainSettings

# Folder of a workspace's models.
MODELS = "models"
# They change a training's name, when it ends, what it writes and how rows are read, but no step of it.
_FREE = {
    "name",
    "fit.epochs",
    "fit.stop_after",
    "fit.log_every",
    "memory_gib",
    "loader.threads",
    "loader.ahead",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Devices:
    """`[train.devices]`: a mesh of `rows` × `genes` devices, which share a batch and the gene axis."""

    rows: int = 1
    genes: int = 1

    def __post_init__(self) -> None:
        for name in ("rows", "genes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Streaming:
    """`[train.loader]`: a copy that is streamed is read by so many threads, so many batches ahead."""

    threads: int = 1
    ahead: int = 0

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ValueError(f"threads must be at least 1, got {self.threads}")
        if self.ahead < 0:
            raise ValueError(f"ahead must not be negative, got {self.ahead}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """`[train]`: `network` is what learns, `fit` how, `devices` where; `name` is for `dexome run`.

    A training copy of at most `memory_gib` lies on the device as a whole; a larger one is streamed, as
    `loader` says.
    """

    name: str = "main"
    network: NetworkSettings = field(default_factory=NetworkSettings)
    fit: TrainSettings = field(default_factory=TrainSettings)
    devices: Devices = field(default_factory=Devices)
    loader: Streaming = field(default_factory=Streaming)
    memory_gib: float = 4.0

    def __post_init__(self) -> None:
        if not self.memory_gib >= 0:
            raise ValueError(f"memory_gib must not be negative, got {self.memory_gib}")

    def binding(self) -> dict[str, Any]:
        """The settings, by dotted name, that a resumed training must share with its beginning."""
        return {k: v for k, v in flatten(asdict(self)).items() if k not in _FREE}


PAPER = Recipe(network=PAPER_NETWORK, fit=PAPER_TRAINING)


def paper_recipe(own: Recipe | None) -> Recipe:
    """The paper's network and training, on the devices and in the memory that one's own recipe names."""
    if own is None:
        return PAPER
    return replace(PAPER, devices=own.devices, loader=own.loader, memory_gib=own.memory_gib)


def flatten(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted name, as JSON has them: lists for tuples."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= flatten(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return found

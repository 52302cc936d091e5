"""What a user says about the machines to use: one profile of the configuration."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["local", "threads", "address"]


class ClusterError(Exception):
    """Machines that can't be had; the message is one sentence with the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterProfile:
    """A profile `[cluster.NAME]`.

    `local` starts `workers` processes of one thread each, `threads` as many threads of this process,
    `address` joins the Dask scheduler at `address`. Memory is per worker, in GiB.
    """

    kind: Kind = "local"
    workers: int | None = None
    memory_gib: float = 4.0
    address: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers must be at least 1, got {self.workers}")
        if self.memory_gib <= 0:
            raise ValueError(f"memory_gib must be positive, got {self.memory_gib}")
        if (self.kind == "address") != (self.address is not None):
            raise ValueError(f'address goes with kind = "address", got kind = "{self.kind}"')

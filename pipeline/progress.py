"""What a stage tells of its progress; who shows it, and how, is the command's affair."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a stage is: `known` of the `done` were done by an earlier run; `refused` by reason."""

    stage: str
    done: int
    total: int
    known: int = 0
    refused: Counter[str] = field(default_factory=Counter)


Report = Callable[[Progress], None]

"""What is swept over: widths, layers, ranks, and the space of the random search."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["neurons", "layers", "ranks", "folds", "random"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchSpace:
    """`[sweep.search]`: what a trial of the random search draws from, each apart from the others.

    `code`, `hidden`, `input_dropout` and `loss` are drawn from the values given, `learning_rate`
    log-uniformly between two. `hidden` is the width of a hidden layer before the code and of one behind it,
    beside a linear path; 0: none.
    """

    code: tuple[int, ...] = (64, 128, 256)
    hidden: tuple[int, ...] = (0, 256, 512, 1024)
    input_dropout: tuple[float, ...] = (0.0, 0.1, 0.3, 0.5)
    learning_rate: tuple[float, float] = (1e-4, 3e-3)
    loss: tuple[Literal["mse", "huber"], ...] = ("mse", "huber")

    def __post_init__(self) -> None:
        for name in ("code", "hidden", "input_dropout", "loss"):
            if not getattr(self, name):
                raise ValueError(f"{name} must have a value at least")
        low, high = self.learning_rate
        if not 0 < low <= high:
            raise ValueError(
                f"learning_rate must be two rates above 0, the lower first, got {low}, {high}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepSettings:
    """`[sweep]`: the values that each kind of sweep goes through.

    `neurons` and `ranks` are widths of the code; each of `layers` is tried with each of `units` in all, which
    the layers share. `seeds` trainings are made of each rank, `trials` by the random search.
    """

    neurons: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
    layers: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    units: tuple[int, ...] = (2000, 1000)
    ranks: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    seeds: int = 5
    trials: int = 20
    search: SearchSpace = field(default_factory=SearchSpace)

    def __post_init__(self) -> None:
        for name in ("neurons", "layers", "units", "ranks"):
            values = getattr(self, name)
            if not values or min(values) < 1:
                raise ValueError(f"{name} must be numbers from 1 on, got {list(values)}")
        for name in ("seeds", "trials"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

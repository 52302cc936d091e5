"""Halving the learning rate, and stopping, where the loss no longer falls: Keras' rules."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True, slots=True)
class PlateauSettings:
    """Keras' ReduceLROnPlateau, with the paper's factor and patience.

    The rate is multiplied by `factor` after `patience` epochs in which the loss was not below the best by
    more than `min_delta`, and never falls below `min_rate`; for `cooldown` epochs then nothing is counted.
    """

    factor: float = 0.5
    patience: int = 5
    min_delta: float = 1e-4
    cooldown: int = 0
    min_rate: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must be between 0 and 1, got {self.factor}")
        if self.patience < 1:
            raise ValueError(f"patience must be at least 1, got {self.patience}")
        for name in ("min_delta", "cooldown", "min_rate"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plateau:
    """The learning rate, and what of the past decides the next one."""

    rate: float
    best: float = math.inf
    wait: int = 0
    cooling: int = 0

    def after(self, loss: float, settings: PlateauSettings) -> "Plateau":
        """The state after one more epoch with this loss."""
        cooling, wait = self.cooling, self.wait
        if cooling > 0:
            cooling, wait = cooling - 1, 0
        if loss < self.best - settings.min_delta:
            return replace(self, best=loss, wait=0, cooling=cooling)
        if cooling > 0:
            return replace(self, wait=wait, cooling=cooling)
        wait += 1
        if wait >= settings.patience and self.rate > settings.min_rate:
            rate = max(self.rate * settings.factor, settings.min_rate)
            return replace(self, rate=rate, wait=0, cooling=settings.cooldown)
        return replace(self, wait=wait, cooling=cooling)

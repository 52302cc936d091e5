"""How a network is trained: the settings, and the paper's."""

from dataclasses import dataclass, field
from typing import Literal

from model.training.plateau import PlateauSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class LossSettings:
    """What an error costs, in standardised units.

    Parameters
    ----------
    kind
        "mse", or "huber": squares up to `huber_delta`, straight beyond, with the same curvature at 0.
    weight_by_se
        Give an entry the weight τ² / (SE² + τ²), τ being `se_floor`, so that one known exactly has weight 1.
        SE is in units of the gene's scale. Entries without SE do not count.
    """

    kind: Literal["mse", "huber"] = "mse"
    huber_delta: float = 3.0
    weight_by_se: bool = False
    se_floor: float = 1.0

    def __post_init__(self) -> None:
        if self.huber_delta <= 0:
            raise ValueError(f"huber_delta must be above 0, got {self.huber_delta}")
        if self.se_floor <= 0:
            raise ValueError(f"se_floor must be above 0, got {self.se_floor}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainSettings:
    """How long, how fast, and on what order of rows.

    `stop_after` epochs without a better validation loss end the training; None: never. Losses are read from
    the device, and written down, every `log_every` steps.
    """

    epochs: int = 50
    batch_size: int = 128
    learning_rate: float = 1e-3
    plateau: PlateauSettings = field(default_factory=PlateauSettings)
    stop_after: int | None = 15
    loss: LossSettings = field(default_factory=LossSettings)
    seed: int = 0
    log_every: int = 20

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")
        if self.stop_after is not None and self.stop_after < 1:
            raise ValueError(f"stop_after must be at least 1, got {self.stop_after}")


PAPER_TRAINING = TrainSettings(stop_after=None)

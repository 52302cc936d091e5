"""How far a training has come: everything but the arrays that its continuation depends on."""

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from model.training.plateau import Plateau
from model.training.settings import TrainSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Where the next step begins.

    `epoch` is the one being trained, `losses` those of its steps so far, `step` counts all steps ever
    taken, `wait` the epochs since the best validation loss.
    """

    plateau: Plateau
    epoch: int = 0
    step: int = 0
    losses: list[float] = field(default_factory=list)
    best_epoch: int = -1
    best_loss: float = math.inf
    wait: int = 0

    def after_epoch(self, validation_loss: float, settings: TrainSettings) -> "Progress":
        """The state after the epoch's last step, given its validation loss."""
        better = validation_loss < self.best_loss
        return replace(
            self,
            plateau=self.plateau.after(validation_loss, settings.plateau),
            epoch=self.epoch + 1,
            losses=[],
            best_epoch=self.epoch if better else self.best_epoch,
            best_loss=validation_loss if better else self.best_loss,
            wait=0 if better else self.wait + 1,
        )

    def why_ended(self, settings: TrainSettings) -> str:
        """Why there is no next step; empty where there is one."""
        if self.epoch >= settings.epochs:
            return f"all {settings.epochs} epochs are done"
        if settings.stop_after is not None and self.wait >= settings.stop_after:
            return f"no better validation loss in {self.wait} epochs"
        return ""

    def encode(self) -> dict[str, Any]:
        """Plain values, from which `decode_progress` makes the same again, to the last bit."""
        return asdict(self)


def begin(settings: TrainSettings) -> Progress:
    """The state before the first step."""
    return Progress(plateau=Plateau(rate=settings.learning_rate))


def decode_progress(fields: dict[str, Any]) -> Progress:
    """What `Progress.encode` was made of."""
    return Progress(**{**fields, "plateau": Plateau(**fields["plateau"])})

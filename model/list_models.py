"""The models of a workspace and how far each has come, without loading any."""

import json
from dataclasses import dataclass

from model.recipe import MODELS
from model.training.metrics import JsonLines
from storage.disk import Disk


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model's name, the generation that it was trained on, the epochs done, and the best validation loss.

    `generation` is empty where its `config.json` can't be read; `validation_loss` is None before the
    first epoch's end.
    """

    name: str
    generation: str
    epochs: int
    validation_loss: float | None


def list_models(disk: Disk) -> list[ModelState]:
    """The models of a workspace by name: each folder below `models` that a training began."""
    folder = disk.path(MODELS)
    names = sorted(path.parent.name for path in folder.glob("*/config.json"))
    return [_state(disk, name) for name in names]


def model_generations(disk: Disk) -> dict[str, str]:
    """Generations that models were trained on, with the reason to keep them."""
    return {
        state.generation: f"model {state.name} was trained on it"
        for state in list_models(disk)
        if state.generation
    }


def _state(disk: Disk, name: str) -> ModelState:
    try:
        generation = str(json.loads(disk.read(f"{MODELS}/{name}/config.json") or b"")["generation"])
    except (ValueError, KeyError, TypeError):
        generation = ""
    lines = JsonLines(disk.path(f"{MODELS}/{name}/metrics.jsonl")).read()
    losses = [line["validation_loss"] for line in lines if "validation_loss" in line]
    return ModelState(name, generation, len(losses), min(losses, default=None))

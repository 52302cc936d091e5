"""A trained model of a workspace: its recipe, its best checkpoint, and the newest data to use it on."""

import json
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from model.fit_model import Task, make_task
from model.recipe import MODELS, Recipe
from model.scaling import Scaling
from model.score_model import NetworkCoder
from model.training.checkpoints import Checkpoint, read_columns
from model.training.gene_columns import full_axis
from pipeline.workspace import Workspace
from storage.errors import StoreError
from storage.split import read_split


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model by its name; `task` has the data that it is used on, and the genes that it was trained with."""

    name: str
    task: Task
    checkpoint: Checkpoint

    def load(self) -> NetworkCoder:
        """Its network, read from the checkpoint."""
        return NetworkCoder.restored(self.task, self.checkpoint)


def find_model(opened: Workspace, name: str, split: str | None = None) -> TrainedModel:
    """The best checkpoint of a model, and the data of the newest generation with the genes of its training.

    Raises
    ------
    StoreError
        It has no checkpoint, or its folder is damaged.
    InputError
        It was trained on another gene list, or there is no split.
    """
    recipe = _read_recipe(opened, name)
    task = make_task(opened.disk, opened.root, name, read_split(opened.disk, split), recipe)
    checkpoint = task.checkpoints.best()
    if checkpoint is None:
        raise StoreError(f"{task.folder} has no checkpoint; run `dexome train {name}`")
    checkpoint.identity.check_genes(task.copy.manifest.gene_list_sha256)
    shift, scale, mask = full_axis(read_columns(checkpoint), task.copy.n_genes)
    task = replace(task, scaling=Scaling(shift=shift, scale=scale, mask=mask))
    return TrainedModel(name, task, checkpoint)


def _read_recipe(opened: Workspace, name: str) -> Recipe:
    key = f"{MODELS}/{name}/config.json"
    data = opened.local.read(key)
    if data is None:
        raise StoreError(f"{opened.local.path(key)} is missing; run `dexome train {name}`")
    try:
        return TypeAdapter(Recipe).validate_python(json.loads(data)["recipe"])
    except (ValueError, KeyError, ValidationError) as error:
        raise StoreError(
            f"{opened.local.path(key)} is damaged; run `dexome train {name}`"
        ) from error

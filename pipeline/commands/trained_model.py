"""A trained model of a workspace: its recipe, its best checkpoint, and the newest data to use it on."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from model.recipe import MODELS, Recipe
from model.scaling import Scaling
from model.score_model import NetworkCoder
from model.task import Task, model_folder
from model.trained_on import read_trained_on
from model.training.checkpoints import FOLDER as CHECKPOINTS
from model.training.checkpoints import Checkpoint, Checkpoints, read_columns
from model.training.gene_columns import full_axis
from pipeline.choose_split import split_name
from pipeline.workspace import Workspace
from storage.chunk_cache import CACHE
from storage.errors import StoreError
from storage.split import read_split
from storage.training_copy import TrainingCopy


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model by its name; `task` has the data that it is used on, and the genes that it was trained with."""

    name: str
    task: Task
    checkpoint: Checkpoint

    def load(self) -> NetworkCoder:
        """Its network, read from the checkpoint."""
        return NetworkCoder.restored(self.task, self.checkpoint)


def find_model(opened: Workspace, name: str, store: str | None = None) -> TrainedModel:
    """The best checkpoint of a model, and data of the newest generation with the genes of its training.

    The split is the one called `store`; without a name it is made with the settings of the one that the model
    was trained on or, where that is not there, with those in `[prepare]`. Its task has the rows that the
    model was trained on, as far as they are still there, whatever part of the split they are in.

    Raises
    ------
    StoreError
        It has no checkpoint, or its folder is damaged.
    InputError
        It was trained on another gene list or on genes that the copy has not, or there is no split.
    """
    folder = model_folder(opened.root, name)
    recipe = _read_recipe(opened, name)
    checkpoint = Checkpoints(folder / CHECKPOINTS).best()
    if checkpoint is None:
        raise StoreError(f"{folder} has no checkpoint; run `dexome train {name}`")
    config = checkpoint.identity.config
    preferred = (config["split"], split_name(opened.config.prepare))
    split = read_split(opened.disk, store, preferred=preferred)
    copy = TrainingCopy.open(opened.disk, split.copy, cache=opened.root / CACHE)
    checkpoint.identity.check_genes(copy.manifest.gene_list_sha256)
    trained_on = read_trained_on(opened.local, f"{MODELS}/{name}", config)
    places = trained_on.columns_of(copy)
    shift, scale, mask = full_axis(read_columns(checkpoint), places, copy.n_genes)
    row_of = {contrast: row for row, contrast in enumerate(copy.contrasts)}
    training, validation = (
        np.array([row_of[contrast] for contrast in ids if contrast in row_of], np.int64)
        for ids in (trained_on.training, trained_on.validation)
    )
    task = Task(
        folder=folder,
        split=split,
        copy=copy,
        recipe=recipe,
        training=training,
        validation=validation,
        scaling=Scaling(shift=shift, scale=scale, mask=mask),
    )
    return TrainedModel(name, task, checkpoint)


def _read_recipe(opened: Workspace, name: str) -> Recipe:
    key = f"{MODELS}/{name}/config.json"
    data = opened.local.read(key)
    if data is None:
        raise StoreError(f"{opened.local.path(key)} is missing; run `dexome train {name}`")
    try:
        fields: dict[str, Any] = json.loads(data)
        return TypeAdapter(Recipe).validate_python(fields["recipe"])
    except (ValueError, KeyError, ValidationError) as error:
        raise StoreError(
            f"{opened.local.path(key)} is damaged; run `dexome train {name}`"
        ) from error

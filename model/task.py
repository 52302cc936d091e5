"""A model to be fitted or used: its folder, its data, which of their rows do what, and its recipe."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.batches.loader import LoaderSettings
from model.recipe import MODELS, Recipe
from model.scaling import Scaling, often_tested
from model.scaling_rows import GeneDemands, scaling_of_rows
from model.start import check_start
from model.trained_on import TrainedOn
from model.training.checkpoints import FOLDER as CHECKPOINTS
from model.training.checkpoints import Checkpoints, Identity
from model.training.gene_columns import check_genes
from model.training.loop import check_batch
from model.training.metrics import JsonLines
from storage.chunk_cache import CACHE
from storage.errors import InputError
from storage.files import Files
from storage.split import Split
from storage.training_copy import TrainingCopy


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A model to be fitted: the data, which of its rows do what, and the recipe.

    `training` and `validation` are rows of the copy, without those of the held-out `fold` if there is one;
    `scaling` says how its genes are standardised, and which are learned.
    """

    folder: Path
    split: Split
    copy: TrainingCopy
    recipe: Recipe
    training: np.ndarray
    validation: np.ndarray
    scaling: Scaling
    fold: int | None = None

    @property
    def identity(self) -> Identity:
        """What a checkpoint of it says of itself."""
        manifest = self.copy.manifest
        config: dict[str, Any] = {
            **self.recipe.binding(),
            "split": self.split.store,
            "copy": manifest.key,
            **self.trained_on.hashes(),
        }
        if self.fold is not None:
            config["fold"] = self.fold
        return Identity(
            gene_list_sha256=manifest.gene_list_sha256,
            generation=manifest.generation,
            config=config,
        )

    @property
    def trained_on(self) -> TrainedOn:
        """Ids of its genes and contrasts."""
        genes, contrasts = self.copy.genes, self.copy.contrasts
        return TrainedOn(
            genes=tuple(genes[i] for i in np.flatnonzero(self.scaling.mask)),
            training=tuple(contrasts[i] for i in self.training),
            validation=tuple(contrasts[i] for i in self.validation),
        )

    @property
    def loader(self) -> LoaderSettings:
        """How its rows come to the device."""
        reading = self.recipe.loader
        return LoaderSettings(
            budget_gib=self.recipe.memory_gib, threads=reading.threads, ahead=reading.ahead
        )

    @property
    def checkpoints(self) -> Checkpoints:
        """Where its checkpoints lie."""
        return Checkpoints(self.folder / CHECKPOINTS)

    @property
    def metrics(self) -> JsonLines:
        """Where its metrics go."""
        return JsonLines(self.folder / "metrics.jsonl")


def make_task(
    disk: Files,
    workspace: Path,
    name: str,
    split: Split,
    recipe: Recipe,
    fold: int | None = None,
) -> Task:
    """The model `name` of a workspace, on the parts of a split, without the contrasts of `fold`.

    `disk` has the compendium and the training copy; models lie in the folder `workspace`.

    Where a fold is held out, the training rows that are left choose the genes, of those that the copy has,
    and the scaling.

    Raises
    ------
    InputError
        A name that is no folder's, a copy that is not there or lacks what the loss needs, a batch larger than
        the training part or that devices can't share, or more components to start from than there are.
    """
    folder = model_folder(workspace, name)
    copy = TrainingCopy.open(disk, split.copy, cache=workspace / CACHE)
    training, validation = (
        split.rows(part) if fold is None else split.rows(part)[split.fold[split.rows(part)] != fold]
        for part in ("train", "validation")
    )
    check_batch(recipe.fit.batch_size, len(training), recipe.devices.rows)
    if recipe.fit.loss.weight_by_se:
        copy.array_folder("se")
    if not len(validation):
        raise InputError("the split has no validation contrast; give [prepare.split] other shares")
    rows = copy_rows(copy, split, training)
    if fold is None:
        scaling = Scaling.from_split(split, copy.genes)
    else:
        studies = split.studies[training].tolist()
        demands = GeneDemands(
            min_contrasts=split.min_contrasts,
            min_studies=split.min_studies,
            min_variance=split.min_variance,
            keep=split.keep,
        )
        weight, among = split.weight[training], often_tested(split, copy.genes)
        scaling = scaling_of_rows(copy, rows, studies, weight, among, split.scaling, demands)
    check_genes(scaling.mask)
    check_start(recipe.network, len(training), int(scaling.mask.sum()))
    return Task(
        folder=folder,
        split=split,
        copy=copy,
        recipe=recipe,
        training=rows,
        validation=copy_rows(copy, split, validation),
        scaling=scaling,
        fold=fold,
    )


def model_folder(workspace: Path, name: str) -> Path:
    """Where the model `name` lies; refuses what is no folder's name."""
    if not name or name != Path(name).name or name.startswith("."):
        raise InputError(f"{name!r} can't be the name of a model; give letters, digits and dashes")
    return workspace / MODELS / name


def copy_rows(copy: TrainingCopy, split: Split, contrasts: np.ndarray) -> np.ndarray:
    """Rows of the copy that hold these contrasts of the split."""
    place = {contrast: i for i, contrast in enumerate(copy.contrasts)}
    return np.array([place[str(c)] for c in split.contrasts[contrasts]], np.int64)


def row_weights(task: Task) -> np.ndarray:
    """(rows of the copy,) the split's weights, with mean 1 over the training rows."""
    of_contrast = dict(zip(task.split.contrasts.tolist(), task.split.weight.tolist(), strict=True))
    weights = np.array([of_contrast[c] for c in task.copy.contrasts])
    mean: np.ndarray = weights / weights[task.training].mean()
    return mean

"""What a model was trained on: ids of genes and contrasts, beside checkpoints, which have their hashes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from storage.errors import InputError, StoreError
from storage.files import Files
from storage.hashing import hash_json
from storage.training_copy import TrainingCopy

FILE = "trained_on.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedOn:
    """Ids of the genes that a network sees, in the order of its columns, and of the contrasts that fitted it.

    `validation` are those that chose its checkpoint.
    """

    genes: tuple[str, ...]
    training: tuple[str, ...]
    validation: tuple[str, ...]

    def hashes(self) -> dict[str, str]:
        """What a checkpoint keeps of it."""
        return {f"hash of {name}": hash_json(list(ids)) for name, ids in asdict(self).items()}

    def columns_of(self, copy: TrainingCopy) -> npt.NDArray[np.int64]:
        """The columns of a copy that hold its genes, in their order.

        Raises
        ------
        InputError
            The copy has not all of them.
        """
        place = {gene: i for i, gene in enumerate(copy.genes)}
        if lost := [gene for gene in self.genes if gene not in place]:
            ours, theirs = hash_json(list(self.genes)), hash_json(list(copy.genes))
            raise InputError(
                f"the model was trained on {len(self.genes):,} genes (hash {ours}), of which "
                f"{len(lost):,} are not among the {copy.n_genes:,} (hash {theirs}) of the training copy "
                f'{copy.manifest.key}: {lost[0]}, say. Run `dexome prepare` with genes = "all" in '
                "[prepare.copy] and name that split by --split, or train another model"
            )
        return np.array([place[gene] for gene in self.genes], np.int64)


def read_trained_on(disk: Files, folder: str, config: Mapping[str, Any]) -> TrainedOn:
    """What the model in this folder was trained on, of which a checkpoint has the hashes in `config`.

    Raises
    ------
    StoreError
        The file is missing, or not that of the checkpoint.
    """
    key = f"{folder}/{FILE}"
    try:
        fields = json.loads(disk.read(key) or b"")
        found = TrainedOn(**{name: tuple(ids) for name, ids in fields.items()})
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{disk.address(key)} is missing or damaged; run `dexome train` with this name again: it "
            "writes the file and trains no step twice"
        ) from error
    told = found.hashes()
    for name, sha256 in told.items():
        if config.get(name) != sha256:
            raise StoreError(
                f"{disk.address(key)} is not of its checkpoint: {name} is {sha256}, not "
                f"{config.get(name)}; delete {disk.address(folder)} and train again"
            )
    return found

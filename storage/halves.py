"""The halves of held-out contrasts, read block by block as plain arrays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from storage.compile_halves import halves_store
from storage.errors import InputError
from storage.files import Files
from storage.generation import list_halves, remake
from storage.halves_schema import HALVED, KINDS
from storage.open import open_store
from storage.schema import CONTRAST, GENE
from storage.split import Split

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Halves:
    """One halves store, its labels in memory.

    `contrasts` and `studies` are (contrast,), `genes` (gene,), `halved` (contrast, kind); `observed` says
    which entries count: "tested" or "measured".
    """

    contrasts: npt.NDArray[np.str_]
    studies: npt.NDArray[np.str_]
    genes: npt.NDArray[np.str_]
    halved: npt.NDArray[np.bool_]
    observed: str
    dataset: xr.Dataset

    def rows(self, kind: str) -> npt.NDArray[np.int64]:
        """Numbers of the contrasts that have halves of this kind, ascending."""
        return np.flatnonzero(self.halved[:, KINDS.index(kind)])

    def read(self, kind: str, rows: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """logfc (row, gene) in the two halves, NaN where it is not observed.

        Raises
        ------
        StoreError
            A file of the store is damaged or missing.
        """
        place = KINDS.index(kind)
        found = self.dataset["logfc"][rows, place].values
        if self.observed == "tested":
            found[np.isnan(self.dataset["se"][rows, place].values)] = np.nan
        return found[:, 0], found[:, 1]


def read_halves(disk: Files, split: Split, part: str) -> Halves | None:
    """The halves of a part of a split; None where none were made.

    Raises
    ------
    InputError
        They were made for other contrasts: studies were placed anew since.
    """
    store = halves_store(split.store, part)
    if store not in list_halves(disk, split.generation):
        return None
    dataset = open_store(disk, split.generation, store)
    contrasts = np.array(dataset[CONTRAST].values.tolist(), str)
    if contrasts.tolist() != split.contrasts[split.rows(part)].tolist():
        raise InputError(
            f"{store} of {split.generation} is not of the contrasts that {split.store} has in {part} "
            f"now; run `{remake(store)}`"
        )
    return Halves(
        contrasts=contrasts,
        studies=np.array(dataset["study"].values.tolist(), str),
        genes=np.array(dataset[GENE].values.tolist(), str),
        halved=np.asarray(dataset["status"].values == HALVED, bool),
        observed=split.observed,
        dataset=dataset,
    )

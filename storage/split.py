"""A split of a compendium: parts, folds, weights of contrasts, and moments of genes, as plain arrays."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import xarray as xr

from storage.errors import InputError
from storage.files import Files
from storage.generation import list_splits, read_current
from storage.open import open_store
from storage.schema import CONTRAST, GENE
from storage.split_schema import PARTS, SPLIT_CONTRASTS, SPLIT_GENES


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """One split store in memory.

    `store` and `generation` say which; `contrasts`, `studies` and the next four are (contrast,), `genes` and
    the rest (gene,), all in the order of the generation. `scaling` is "rms" or "standard", `observed` says
    which entries count: "tested" or "measured"; `by` is "component" or "row"; `copy` is the key of the
    training copy made for it. A selected gene is tested in `min_contrasts` training contrasts of
    `min_studies` studies, and its variance is above `min_variance` and, unless `keep` is None, among the
    `keep` highest.
    """

    generation: str
    store: str
    contrasts: npt.NDArray[np.str_]
    studies: npt.NDArray[np.str_]
    part: npt.NDArray[np.str_]
    fold: npt.NDArray[np.int32]
    component: npt.NDArray[np.str_]
    weight: npt.NDArray[np.float32]
    genes: npt.NDArray[np.str_]
    n_tested: npt.NDArray[np.int32]
    n_studies: npt.NDArray[np.int32]
    n_observed: npt.NDArray[np.int32]
    mean: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]
    rms: npt.NDArray[np.float64]
    selected: npt.NDArray[np.bool_]
    scaling: str
    observed: str
    by: str
    copy: str
    min_contrasts: int
    min_studies: int
    min_variance: float
    keep: int | None

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset, store: str) -> Self:
        """The split in an open split store."""
        arrays: dict[str, Any] = {
            v.name: _plain(dataset[v.name].values, v.dtype)
            for v in (*SPLIT_CONTRASTS, *SPLIT_GENES)
        }
        settings = json.loads(dataset.attrs["settings"])
        genes = settings["genes"]
        return cls(
            generation=str(dataset.attrs["generation"]),
            store=store,
            contrasts=_plain(dataset[CONTRAST].values, "string"),
            studies=_plain(dataset["study"].values, "string"),
            genes=_plain(dataset[GENE].values, "string"),
            scaling=str(dataset.attrs["scaling"]),
            observed=str(dataset.attrs["observed"]),
            by=str(settings["split"]["by"]),
            copy=str(dataset.attrs["copy"]),
            min_contrasts=int(genes["min_contrasts"]),
            min_studies=int(genes["min_studies"]),
            min_variance=float(genes["min_variance"]),
            keep=genes["keep"],
            **arrays,
        )

    def rows(self, part: str) -> npt.NDArray[np.int64]:
        """Numbers of the contrasts of a part, ascending."""
        if part not in PARTS:
            raise ValueError(f"part must be one of {', '.join(PARTS)}, got {part}")
        return np.flatnonzero(self.part == part)

    def fold_rows(self, fold: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Training and held-out contrasts of one fold; the part `test` is in neither."""
        usable = self.part != "test"
        return np.flatnonzero(usable & (self.fold != fold)), np.flatnonzero(
            usable & (self.fold == fold)
        )


def read_split(
    disk: Files,
    store: str | None = None,
    generation: str | None = None,
    *,
    preferred: Sequence[str] = (),
) -> Split:
    """A split of a generation, which is the current one by default.

    It is the one called `store`; without a name the first of `preferred` that is there, and where nothing is
    preferred the only one.

    Raises
    ------
    InputError
        There is none, or none of these names, or nothing says which of several.
    """
    if generation is None:
        current = read_current(disk)
        if current is None:
            raise InputError(f"{disk.address()} has no compendium yet; run `dexome run` first")
        generation = current.generation
    found = list_splits(disk, generation)
    if not found:
        raise InputError(f"{generation} has no split yet; run `dexome prepare`")
    if store is None:
        wanted = preferred or found[:1]
        store = next((name for name in wanted if name in found), None)
        if store is None or (not preferred and len(found) > 1):
            raise InputError(
                f"{generation} has {', '.join(found)}, {_none_of(preferred)}; run `dexome prepare`, or say "
                "which by --split"
            )
    elif store not in found:
        raise InputError(f"{generation} has no {store}; there is {', '.join(found)}")
    return Split.from_dataset(open_store(disk, generation, store), store)


def _none_of(preferred: Sequence[str]) -> str:
    if not preferred:
        return "and nothing says which is meant"
    return f"but not {preferred[0]}, which settings or model ask for"


def _plain(values: npt.NDArray[Any], dtype: str) -> npt.NDArray[Any]:
    return np.array(values.tolist(), str) if dtype == "string" else np.array(values, dtype)

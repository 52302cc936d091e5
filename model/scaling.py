"""How genes are brought to one scale, and which of them are learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from storage.errors import InputError
from storage.split import Split


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """What the step does to a raw batch: (x − shift) · scale, of the genes in `mask`; each is (gene,).

    `shift` is 0 unless genes are centred. A gene that is not selected has scale 0.
    """

    shift: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    mask: npt.NDArray[np.bool_]

    @classmethod
    def from_split(cls, split: Split, genes: Sequence[str]) -> Self:
        """The scaling of a split for the columns `genes` of a training copy.

        "rms" divides by the root mean square, and keeps −x the negative of x; "standard" centres, and divides
        by the standard deviation.

        Raises
        ------
        InputError
            A gene is not in the split.
        """
        columns = _places(split, genes)
        centred = split.scaling == "standard"
        spread = np.sqrt(split.variance[columns]) if centred else split.rms[columns]
        mask = split.selected[columns] & (spread > 0)
        shift = np.where(mask, split.mean[columns], 0.0) if centred else np.zeros(len(columns))
        scale = np.divide(1.0, spread, out=np.zeros(len(columns)), where=mask)
        return cls(shift=shift.astype(np.float32), scale=scale.astype(np.float32), mask=mask)


def often_tested(split: Split, genes: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which of the columns `genes` are tested often enough in all training rows, whatever their variance.

    Raises
    ------
    InputError
        A gene is not in the split.
    """
    columns = _places(split, genes)
    enough: npt.NDArray[np.bool_] = (split.n_tested[columns] >= split.min_contrasts) & (
        split.n_studies[columns] >= split.min_studies
    )
    return enough


def _places(split: Split, genes: Sequence[str]) -> npt.NDArray[np.int64]:
    place = {gene: i for i, gene in enumerate(split.genes.tolist())}
    if unknown := [gene for gene in genes if gene not in place]:
        raise InputError(
            f"{unknown[0]} is not in {split.store} of {split.generation}; run `dexome prepare`"
        )
    return np.array([place[gene] for gene in genes], np.int64)

"""How near reconstructions are: squared errors over observed entries, by contrast and by gene."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Scores:
    """Sums over observed entries.

    `error` is the squared distance of the reconstruction, `square` that of the reference (the training
    mean), `count` the number of entries; `of_row` arrays are (rows,), without the rows' weights, `of_gene`
    arrays (genes,), with them; `n_of_gene` counts without.
    """

    error_of_row: Floats
    square_of_row: Floats
    count_of_row: Floats
    weight: Floats
    error_of_gene: Floats
    square_of_gene: Floats
    count_of_gene: Floats
    n_of_gene: Floats

    @property
    def mse(self) -> float:
        """Weighted mean of the squared errors of all entries."""
        return _ratio(self.error_of_row, self.count_of_row, self.weight)

    @property
    def r2(self) -> float:
        """Share of the squared distance from the reference that the reconstruction takes away."""
        return 1 - _ratio(self.error_of_row, self.square_of_row, self.weight)

    @property
    def r2_of_row(self) -> Floats:
        """The same for each contrast; NaN without an entry that differs from the reference."""
        return 1 - _ratios(self.error_of_row, self.square_of_row)

    @property
    def r2_of_gene(self) -> Floats:
        """The same for each gene."""
        return 1 - _ratios(self.error_of_gene, self.square_of_gene)

    @property
    def mse_of_row(self) -> Floats:
        """Mean squared error of each contrast."""
        return _ratios(self.error_of_row, self.count_of_row)

    @property
    def mse_of_gene(self) -> Floats:
        """Weighted mean squared error of each gene."""
        return _ratios(self.error_of_gene, self.count_of_gene)


def score(x: Floats, reconstruction: Floats, reference: Floats, weight: Floats) -> Scores:
    """Scores of (rows, genes) values, NaN where not observed.

    Parameters
    ----------
    reference
        (genes,) what a model of rank 0 would say: the training mean, in the same units.
    weight
        (rows,) weights of the rows.

    A reconstruction that is no number where there is a value makes every score it has part in NaN.
    """
    there = ~np.isnan(x)
    error = np.where(there, (reconstruction - x).astype(np.float64), 0.0) ** 2
    square = np.where(there, (x - reference).astype(np.float64), 0.0) ** 2
    observed = there.astype(np.float64)
    weight = weight.astype(np.float64)
    return Scores(
        error.sum(1),
        square.sum(1),
        observed.sum(1),
        weight,
        weight @ error,
        weight @ square,
        weight @ observed,
        observed.sum(0),
    )


def join_scores(blocks: Iterable[Scores]) -> Scores:
    """Scores of blocks of rows, one below the other."""
    found = list(blocks)
    return Scores(
        np.concatenate([b.error_of_row for b in found]),
        np.concatenate([b.square_of_row for b in found]),
        np.concatenate([b.count_of_row for b in found]),
        np.concatenate([b.weight for b in found]),
        np.sum([b.error_of_gene for b in found], axis=0),
        np.sum([b.square_of_gene for b in found], axis=0),
        np.sum([b.count_of_gene for b in found], axis=0),
        np.sum([b.n_of_gene for b in found], axis=0),
    )


def _ratio(above: Floats, below: Floats, weight: Floats) -> float:
    whole = float(np.vdot(below, weight))
    return float(np.vdot(above, weight)) / whole if whole else float("nan")


def _ratios(above: Floats, below: Floats) -> Floats:
    found: Floats = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found

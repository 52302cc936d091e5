"""Mean, variance and counts of each gene over blocks of rows, merged pairwise."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from pipeline.prepare.settings import GeneSettings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of the observed entries of some rows, each array (gene,).

    `weight` is their summed weight, `mean` and `m2` the weighted mean and sum of squared deviations,
    `low` and `high` the extremes (inf and −inf without an entry).
    """

    n_observed: npt.NDArray[np.int64]
    n_tested: npt.NDArray[np.int64]
    weight: Floats
    mean: Floats
    m2: Floats
    low: Floats
    high: Floats

    @property
    def variance(self) -> Floats:
        """Weighted population variance, exactly 0 where all entries are the same; NaN without one."""
        with np.errstate(invalid="ignore", divide="ignore"):
            # A mean that is rounded leaves crumbs of a variance where there is none.
            found: Floats = np.where(self.low == self.high, 0.0, self.m2 / self.weight)
        return found

    @property
    def rms(self) -> Floats:
        """Weighted root mean square; NaN without an entry."""
        found: Floats = np.sqrt(self.variance + self.mean**2)
        return found


def block_moments(
    values: npt.NDArray[np.float32], tested: npt.NDArray[np.bool_], weights: Floats
) -> Moments:
    """Moments of one block.

    Parameters
    ----------
    values
        (row, gene), NaN where not observed.
    tested
        (row, gene) whether the gene is tested.
    weights
        (row,) positive.
    """
    x = values.astype(np.float64)
    seen = ~np.isnan(x)
    w = np.where(seen, weights[:, None], 0.0)
    weight = w.sum(axis=0)
    filled = np.where(seen, x, 0.0)
    mean = (w * filled).sum(axis=0) / np.where(weight > 0, weight, 1.0)
    deviation = np.where(seen, x - mean, 0.0)
    # The first-order term takes out what rounding left in the mean (two-pass, corrected).
    drift = (w * deviation).sum(axis=0)
    m2 = (w * deviation**2).sum(axis=0) - drift**2 / np.where(weight > 0, weight, 1.0)
    return Moments(
        n_observed=seen.sum(axis=0),
        n_tested=tested.sum(axis=0),
        weight=weight,
        mean=mean,
        m2=np.maximum(m2, 0.0),
        low=np.where(seen, x, np.inf).min(axis=0, initial=np.inf),
        high=np.where(seen, x, -np.inf).max(axis=0, initial=-np.inf),
    )


def merge(a: Moments, b: Moments) -> Moments:
    """Moments of the rows of both (Chan, Golub & LeVeque 1983, with weights for counts)."""
    weight = a.weight + b.weight
    share = b.weight / np.where(weight > 0, weight, 1.0)
    delta = b.mean - a.mean
    return Moments(
        n_observed=a.n_observed + b.n_observed,
        n_tested=a.n_tested + b.n_tested,
        weight=weight,
        mean=np.where(a.weight > 0, a.mean + delta * share, b.mean),
        m2=a.m2 + b.m2 + delta**2 * a.weight * share,
        low=np.minimum(a.low, b.low),
        high=np.maximum(a.high, b.high),
    )


def merge_all(blocks: Iterable[Moments]) -> Moments:
    """Moments of all blocks, merged as a binary tree, so that rounding grows with the log of their number.

    Holds one block's moments for each level of the tree.
    """
    levels: list[Moments | None] = []
    for block in blocks:
        merged, level = block, 0
        while level < len(levels) and (other := levels[level]) is not None:
            merged = merge(other, merged)
            levels[level] = None
            level += 1
        if level == len(levels):
            levels.append(None)
        levels[level] = merged
    left = [one for one in levels if one is not None]
    if not left:
        raise ValueError("there are no blocks to merge")
    total = left[0]
    for earlier in left[1:]:
        total = merge(earlier, total)
    return total


def concatenate(columns: Iterable[Moments]) -> Moments:
    """Moments of blocks of genes, side by side."""
    found = list(columns)
    return Moments(*(np.concatenate([getattr(m, f.name) for m in found]) for f in fields(Moments)))


def select_genes(
    moments: Moments, n_studies: npt.NDArray[np.int64], settings: GeneSettings
) -> npt.NDArray[np.bool_]:
    """(gene,) which genes are learned from.

    The variance must be above `min_variance`, and with `min_variance` 0 no gene passes whose entries are
    all the same, as in scikit-learn's VarianceThreshold. Ties for the last place go to the first gene.
    """
    variance = np.where(moments.n_observed > 0, moments.variance, 0.0)
    enough = (moments.n_tested >= settings.min_contrasts) & (n_studies >= settings.min_studies)
    selected: npt.NDArray[np.bool_] = enough & (variance > settings.min_variance)
    if settings.keep is not None:
        order = np.argsort(np.where(selected, -variance, np.inf), kind="stable")
        kept = np.zeros_like(selected)
        kept[order[: settings.keep]] = True
        selected &= kept
    return selected

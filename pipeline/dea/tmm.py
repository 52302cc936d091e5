"""Trimmed mean of M values: normalisation factors (Robinson & Oshlack 2010)."""

import numpy as np

from pipeline.dea.arrays import Bools, Floats
from pipeline.dea.selection import order_statistic

TRIM_M = 0.3
TRIM_A = 0.05
QUANTILE = 0.75


def norm_factors(counts: Floats, library_sizes: Floats) -> Floats:
    """(sample,) factors of geometric mean 1, of `counts` (sample, gene) and their library sizes."""
    present = counts.any(axis=0)
    if not present.all():
        counts = counts[:, present]
    if counts.shape[1] == 0:
        return np.ones(counts.shape[0])
    reference = reference_sample(counts, library_sizes)
    pair = _Reference(counts[reference], float(library_sizes[reference]))
    log2_factors = np.array(
        [pair.log2_factor(y, float(n)) for y, n in zip(counts, library_sizes, strict=True)]
    )
    factors = 2.0**log2_factors
    result: Floats = factors / np.exp(np.mean(np.log(factors)))
    return result


def reference_sample(counts: Floats, library_sizes: Floats) -> int:
    """The sample whose upper quartile is nearest to their mean, the first of equals."""
    place = QUANTILE * (counts.shape[1] - 1)
    low = int(place)
    high = min(low + 1, counts.shape[1] - 1)
    at_low = np.array([order_statistic(y, low) for y in counts]) / library_sizes
    at_high = np.array([order_statistic(y, high) for y in counts]) / library_sizes
    upper = at_low + (place - low) * (at_high - at_low)
    if np.median(upper) < 1e-20:
        return int(np.argmax(np.sqrt(counts).sum(axis=1)))
    return int(np.argmin(np.abs(upper - upper.mean())))


class _Reference:
    """The reference sample, against which each sample is compared."""

    def __init__(self, counts: Floats, library_size: float) -> None:
        self.positive = counts > 0
        self.share = counts / library_size
        self.log2_share = np.zeros_like(counts)
        np.log2(self.share, out=self.log2_share, where=self.positive)
        self.variance = np.zeros_like(counts)
        np.divide(
            (library_size - counts) / library_size, counts, out=self.variance, where=self.positive
        )

    def log2_factor(self, counts: Floats, library_size: float) -> float:
        both = np.flatnonzero(self.positive & (counts > 0))
        if both.size == 0:
            return 0.0
        y = counts[both]
        share = y / library_size
        # The order of these operations is the reference's: it decides ties of ranks.
        m = np.log2(share / self.share[both])
        a = (np.log2(share) + self.log2_share[both]) / 2
        if max(m.max(), -m.min()) < 1e-6:
            return 0.0
        kept = _within_ranks(m, TRIM_M) & _within_ranks(a, TRIM_A)
        y = y[kept]
        variance = (library_size - y) / library_size / y + self.variance[both[kept]]
        # A gene that is all of both libraries has no variance, and decides nothing.
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = 1.0 / variance
            value = float(np.sum(m[kept] * weight) / np.sum(weight))
        return value if np.isfinite(value) else 0.0


def _within_ranks(values: Floats, trim: float) -> Bools:
    """Whether the rank, averaged over ties, is in the middle: without sorting."""
    k = values.size
    lowest = int(np.floor(k * trim)) + 1
    highest = k + 1 - lowest
    if highest < lowest:
        return np.zeros(k, dtype=bool)
    at_low = order_statistic(values, lowest - 1)
    at_high = order_statistic(values, highest - 1)
    above = values >= at_low if _mean_rank(values, at_low) >= lowest else values > at_low
    below = values <= at_high if _mean_rank(values, at_high) <= highest else values < at_high
    result: Bools = above & below
    return result


def _mean_rank(values: Floats, value: float) -> float:
    n_below = np.count_nonzero(values < value)
    n_equal = np.count_nonzero(values == value)
    return n_below + (n_equal + 1) / 2

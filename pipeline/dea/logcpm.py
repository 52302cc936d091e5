"""Log2 counts per million: with a prior count scaled to depth (trend), and voom's."""

import numpy as np

from pipeline.dea.arrays import Floats

PRIOR_COUNT = 2.0


def log_cpm(counts: Floats, effective_sizes: Floats) -> Floats:
    """(sample, gene) log2 CPM with a prior count proportional to the effective library size."""
    prior = PRIOR_COUNT * effective_sizes / effective_sizes.mean()
    z: Floats = counts + prior[:, None]
    z /= (effective_sizes + 2 * prior)[:, None]
    z *= 1e6
    np.log2(z, out=z)
    return z


def voom_log_cpm(counts: Floats, effective_sizes: Floats) -> Floats:
    """(sample, gene) log2 CPM with voom's offsets: half a count, and one read of depth."""
    z = counts + 0.5
    z /= (effective_sizes + 1.0)[:, None]
    z *= 1e6
    np.log2(z, out=z)
    return z

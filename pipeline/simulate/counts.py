"""Negative-binomial counts: abundance, dispersion, library sizes (pure arrays)."""

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from pipeline.simulate.fitted import (
    ABUNDANCE,
    DISPERSION,
    DISPERSION_GENE_SD,
    DISPERSION_GENE_SHARED,
    DISPERSION_LEVEL,
    EXPRESSED_SD,
    LIBRARY_MEDIAN,
    LIBRARY_SD,
    STUDY_CORRELATION,
)

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int32]


def draw_abundance(rng: np.random.Generator, tissue_scores: Floats) -> Floats:
    """(gene,) abundance in a study's reference level, in counts per million; 0: silent.

    The study's scores are its tissue's but for a little; their ranks, stretched by how many genes the
    study finds expressed, pick from the fitted quantiles.
    """
    own = rng.standard_normal(len(tissue_scores))
    scores = np.sqrt(STUDY_CORRELATION) * tissue_scores + np.sqrt(1 - STUDY_CORRELATION) * own
    from_top = ndtr(-scores) / np.exp(rng.normal(0, EXPRESSED_SD))
    share, log2_cpm = np.array(ABUNDANCE).T
    rank = 1 - from_top
    abundance = np.where(rank < share[0], 0.0, np.exp2(np.interp(rank, share, log2_cpm)))
    abundance *= 1e6 / abundance.sum()
    return abundance


def draw_dispersion(
    rng: np.random.Generator, abundance: Floats, dispersion_scores: Floats
) -> Floats:
    """(gene,) negative-binomial dispersion: the fitted trend, a study's level, a gene's spread."""
    log2_cpm, trend = np.array(DISPERSION).T
    with np.errstate(divide="ignore"):
        at = np.log2(abundance)
    share, levels = np.array(DISPERSION_LEVEL).T
    level = np.interp(rng.random(), share, levels)
    own = rng.standard_normal(len(abundance))
    spread = np.sqrt(DISPERSION_GENE_SHARED) * dispersion_scores
    spread += np.sqrt(1 - DISPERSION_GENE_SHARED) * own
    log_trend = np.interp(at, log2_cpm, np.log(trend))
    dispersion: Floats = np.exp(log_trend + level + DISPERSION_GENE_SD * spread)
    return dispersion


def draw_library_sizes(rng: np.random.Generator, n_samples: int) -> Floats:
    """(sample,) library sizes in counts: log-normal about the study's median."""
    share, median = np.array(LIBRARY_MEDIAN).T
    size = np.exp(np.interp(rng.random(), share, np.log(median)))
    share, sd = np.array(LIBRARY_SD).T
    sizes: Floats = size * np.exp(rng.normal(0, np.interp(rng.random(), share, sd), n_samples))
    return sizes


def expected_counts(abundance: Floats, log2_shift: Floats, library_sizes: Floats) -> Floats:
    """(sample, gene) means of the counts.

    Each sample's abundances are shifted by its row of `log2_shift` (sample, gene) and share out its
    library: as in a sequencer, what some genes gain the others lose.
    """
    expected: Floats = abundance * np.exp2(log2_shift)
    expected *= library_sizes[:, None] / expected.sum(axis=1, keepdims=True)
    return expected


def draw_counts(rng: np.random.Generator, expected: Floats, dispersion: Floats) -> Counts:
    """(sample, gene) negative-binomial counts with variance mean + dispersion x mean²."""
    counts = np.zeros(expected.shape, dtype=np.int32)
    expressed = np.flatnonzero(expected[0] > 0)
    shape = 1 / dispersion[expressed]
    for sample, means in zip(counts, expected, strict=True):
        rates = means[expressed] * rng.standard_gamma(shape) / shape
        # Rounded, so that the last bit of another machine's logarithm does not change a draw.
        sample[expressed] = rng.poisson(rates.astype(np.float32))
    return counts

"""Statistics of contrasts drawn straight from the truth, for a compendium too large to simulate counts of."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from pipeline.simulate.counts import draw_library_sizes, expected_counts
from pipeline.simulate.layout import Layout
from pipeline.simulate.streams import Stream, make_generator
from pipeline.simulate.study import (
    Contrast,
    study_contrasts,
    study_effects,
    study_layout,
    study_profile,
)
from pipeline.simulate.universe import Universe

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

MIN_COUNT = 10.0  # of the larger group's mean, for a gene to be tested
DF_PRIOR = 3.0  # trigamma(DF_PRIOR / 2) is about the fitted variance of log dispersions, 0.9²


@dataclass(frozen=True, slots=True)
class ContrastStatistics:
    """What an analysis of one study would give; all (contrast, gene), NaN where a gene is not tested."""

    contrasts: tuple[Contrast, ...]
    logfc: Floats32
    se: Floats32
    t: Floats32
    neg_log10_p: Floats32
    df_total: float


def simulate_contrast_statistics(universe: Universe, k: int) -> ContrastStatistics:
    """Draw the statistics of study k's contrasts without its counts.

    The log2 fold change is the truth and normal errors of the two groups, with the negative binomial's
    variance at the study's depth; contrasts share the error of their reference. The variance of a gene is
    estimated on `df_total`, the study's residual and the prior's degrees of freedom, so that t of a gene
    that does not change has the t distribution. Batches and second variables are taken to be modelled.
    """
    rng = make_generator(universe.settings.seed, k, Stream.STATISTICS)
    layout = study_layout(universe, k)
    logfc = study_effects(universe, layout, k).logfc[: layout.n_contrasts]
    abundance, dispersion = study_profile(universe, layout, k)
    size = float(np.exp(np.log(draw_library_sizes(rng, layout.n_samples)).mean()))
    shift = np.vstack([np.zeros(len(abundance)), logfc])
    expected = expected_counts(abundance, shift, np.full(len(shift), size))
    measured = _measured(universe, layout)
    genes = np.flatnonzero(measured & (expected.max(axis=0) > MIN_COUNT / 2))

    expected, dispersion, logfc = expected[:, genes], dispersion[genes], logfc[:, genes]
    n = np.bincount(layout.groups, minlength=len(shift))[: len(shift), None]
    sampling = np.maximum(expected, 1.0) ** -1
    variance = (sampling + dispersion) / n / np.log(2) ** 2
    error = rng.standard_normal(variance.shape) * np.sqrt(variance)
    df = float(max(layout.n_samples - len(shift), 1))
    df_total = df + DF_PRIOR
    moderated = rng.chisquare(df_total, len(genes)) / df_total

    estimate = logfc + error[1:] - error[:1]
    se = np.sqrt(moderated * (variance[1:] + variance[:1]))
    t = estimate / se
    p = 2 * stdtr(df_total, -np.abs(t))
    seen = expected * np.exp2(error)
    tested = np.maximum(seen[1:], seen[:1]) >= MIN_COUNT
    log_p = -np.log10(np.maximum(p, np.finfo(np.float64).tiny))
    n_genes = len(abundance)
    return ContrastStatistics(
        contrasts=study_contrasts(layout, k),
        logfc=_spread(estimate, tested, genes, n_genes),
        se=_spread(se, tested, genes, n_genes),
        t=_spread(t, tested, genes, n_genes),
        neg_log10_p=_spread(log_p, tested, genes, n_genes),
        df_total=df_total,
    )


def _measured(universe: Universe, layout: Layout) -> npt.NDArray[np.bool_]:
    """(gene,) the genes that the study's count table has a row for."""
    if layout.id_style == "entrez":
        return np.asarray(universe.genes.entrez != "")
    return np.ones(len(universe.genes.ids), dtype=np.bool_)


def _spread(
    values: Floats, tested: npt.NDArray[np.bool_], genes: npt.NDArray[np.int64], n_genes: int
) -> Floats32:
    """`values` of `genes` on the whole gene axis, NaN where not tested."""
    spread = np.full((len(values), n_genes), np.nan, dtype=np.float32)
    spread[:, genes] = np.where(tested, values, np.nan)
    return spread

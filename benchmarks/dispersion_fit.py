"""Fit negative-binomial dispersions: per gene a profile likelihood, per bin a log-normal over genes."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, logsumexp

Floats = npt.NDArray[np.float64]

LOG_GRID = np.linspace(np.log(1e-4), np.log(20), 49)
BIN_EDGES = (-7, -5, -3, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10)  # log2 counts per million
GENES_PER_BIN = 700


def size_factors(counts: Floats) -> Floats:
    """(sample,) effective library sizes: the median ratio to the genes' geometric means."""
    expressed = np.log(counts[:, (counts > 0).all(axis=0)])
    ratio = np.median(expressed - expressed.mean(axis=0), axis=1)
    size: Floats = np.exp(ratio - ratio.mean() + np.log(counts.sum(axis=1)).mean())
    return size


def log2_cpm(counts: Floats, size: Floats) -> Floats:
    """(gene,) log2 of the mean counts per million; -inf for a silent gene."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2((counts / size[:, None]).mean(axis=0) * 1e6))


def dispersion_likelihood(counts: Floats, size: Floats, groups: Sequence[str]) -> Floats:
    """(gene, grid) Cox-Reid adjusted profile log likelihood of the dispersion at `exp(LOG_GRID)`."""
    total = np.zeros((counts.shape[1], len(LOG_GRID)))
    labels = np.array(groups)
    for group in np.unique(labels):
        y, n = counts[labels == group], size[labels == group]
        if len(n) < 2:
            continue
        mean = y.sum(axis=0) / n.sum() * n[:, None]
        seen = mean[0] > 0
        y, mean = y[:, seen], mean[:, seen]
        for k, dispersion in enumerate(np.exp(LOG_GRID)):
            r, product = 1 / dispersion, mean * dispersion
            ll = gammaln(y + r) - gammaln(r) + y * np.log(product / (1 + product))
            ll -= r * np.log1p(product)
            information = np.log((mean / (1 + product)).sum(axis=0))
            total[seen, k] += ll.sum(axis=0) - 0.5 * information
    return total


def fit_log_normal(likelihood: Floats) -> tuple[float, float]:
    """Maximum-likelihood mean and sd over genes of the log dispersion, from `likelihood` (gene, grid)."""
    best = (-np.inf, 0.0, 0.0)
    for mean in np.linspace(np.log(1e-3), np.log(5), 60):
        for sd in np.arange(0.1, 1.8, 0.1):
            best = max(best, (_marginal(likelihood, mean, sd), mean, sd))
    return best[1], best[2]


def posterior_mean(likelihood: Floats, mean: float, sd: float) -> Floats:
    """(gene,) expected log dispersion given a gene's likelihood and the bin's log-normal."""
    log_p = likelihood + _log_prior(mean, sd)
    return np.asarray(np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True)) @ LOG_GRID)


def fit_bins(counts: Floats, groups: Sequence[str]) -> Floats:
    """(bin, 2) mean and sd of the log dispersion by abundance; NaN where under 100 genes."""
    size = size_factors(counts)
    abundance = log2_cpm(counts, size)
    rng = np.random.default_rng(0)
    fits = np.full((len(BIN_EDGES) - 1, 2), np.nan)
    for b, (low, high) in enumerate(pairwise(BIN_EDGES)):
        genes = np.flatnonzero((abundance >= low) & (abundance < high) & (counts.sum(axis=0) >= 6))
        if len(genes) >= 100:
            genes = rng.permutation(genes)[:GENES_PER_BIN]
            fits[b] = fit_log_normal(dispersion_likelihood(counts[:, genes], size, groups))
    return fits


def _log_prior(mean: float, sd: float) -> Floats:
    log_p = -0.5 * ((LOG_GRID - mean) / sd) ** 2
    return np.asarray(log_p - logsumexp(log_p))


def _marginal(likelihood: Floats, mean: float, sd: float) -> float:
    return float(logsumexp(likelihood + _log_prior(mean, sd), axis=1).sum())

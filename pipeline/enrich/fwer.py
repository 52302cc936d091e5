"""Family-wise error rates of a domain from the smallest p values of random sets."""

import numpy as np

from pipeline.dea.arrays import Floats

# Sets that are equally likely in two ways differ in the last digits of log p, and must count as tied.
TOLERANCE = 1e-9


def family_wise(log_p: Floats, log_minima: Floats) -> Floats:
    """Share of random sets whose smallest p is at most p: single step, one for each domain.

    Parameters
    ----------
    log_p
        Logarithms of p, of any shape.
    log_minima
        (random set,) logarithms of their smallest p, ascending.
    """
    below = np.searchsorted(log_minima, log_p.ravel() + TOLERANCE, side="right")
    return (below / log_minima.size).reshape(log_p.shape)


def standard_error(fwer: Floats, n_sets: int) -> Floats:
    """Monte-Carlo error of a family-wise error rate from `n_sets` random sets."""
    return np.sqrt(fwer * (1 - fwer) / n_sets)


def p_at(fwer: float, log_minima: Floats) -> float:
    """The p value whose family-wise error rate is `fwer`, between random sets by a straight line."""
    values, counts = np.unique(np.exp(log_minima), return_counts=True)
    return float(np.interp(fwer, np.cumsum(counts) / log_minima.size, values))

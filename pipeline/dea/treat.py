"""Tests against a fold change that matters, instead of none (McCarthy & Smyth 2009)."""

import numpy as np
from scipy import special

from pipeline.dea.arrays import Floats


def treat(
    logfc: Floats, se: Floats, df_total: Floats | float, *, least_logfc: float
) -> tuple[Floats, Floats]:
    """t statistics and p values of the hypothesis that |logfc| is at most `least_logfc`.

    Parameters
    ----------
    logfc, se
        (contrast, gene) log2 fold changes and moderated standard errors.
    df_total
        Degrees of freedom, of a shape that broadcasts to theirs.
    least_logfc
        The smallest log2 fold change of interest, at least 0.

    Returns
    -------
    t, p_value
        As `logfc`; t is 0 where the fold change is within the limit. NaN stays NaN.
    """
    if least_logfc < 0:
        raise ValueError(f"least_logfc must be at least 0, got {least_logfc}")
    size = np.abs(logfc)
    beyond = (size - least_logfc) / se
    below = (size + least_logfc) / se
    p_value = np.asarray(special.stdtr(df_total, -beyond) + special.stdtr(df_total, -below))
    t = np.sign(logfc) * np.maximum(beyond, 0.0)
    return t, p_value

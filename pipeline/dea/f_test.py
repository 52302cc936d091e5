"""The F test that all contrasts of a gene are zero."""

import numpy as np
from scipy import special

from pipeline.dea.arrays import Floats

RANK_TOLERANCE = 1e-8
LARGE_DF = 1e6


def f_test(t: Floats, covariance: Floats, df: Floats | float) -> tuple[Floats, Floats]:
    """F statistics and p values, both (gene,).

    Parameters
    ----------
    t
        (contrast, gene) moderated t statistics; a gene with a NaN stays NaN.
    covariance
        (contrast, contrast) of the contrasts, in any unit.
    df
        Residual plus prior degrees of freedom, scalar or (gene,).
    """
    deviation = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(deviation, deviation))
    used = values > RANK_TOLERANCE * values.max()
    rank = int(used.sum())
    part = (vectors[:, used] / np.sqrt(values[used])).T @ t
    f: Floats = np.sum(part**2, axis=0) / rank
    finite = np.minimum(df, LARGE_DF)
    p_value: Floats = np.where(
        np.asarray(df) > LARGE_DF, special.chdtrc(rank, rank * f), special.fdtrc(rank, finite, f)
    )
    return f, p_value

"""Natural cubic splines, as a basis to fit a smooth trend on."""

import numpy as np

from pipeline.dea.arrays import Floats


def spline_df(n_genes: int, n_distinct: int) -> int:
    """Parameters of the trend that so many genes can carry."""
    return min(1 + (n_genes >= 3) + (n_genes >= 6) + (n_genes >= 30), n_distinct)


def natural_spline_basis(x: Floats, df: int) -> Floats:
    """(gene, df) orthonormal basis, with the constant, of natural cubic splines of `x` (gene,).

    The outer knots are the extremes, the others at equal steps of the quantiles; 2 parameters are a
    straight line.
    """
    low, high = float(x.min()), float(x.max())
    u = (x - low) / (high - low) if high > low else np.zeros_like(x)
    columns = [np.ones_like(u), u]
    if df > 2:
        inner = np.quantile(u, np.arange(1, df - 1) / (df - 1))
        knots = np.concatenate([[0.0], inner, [1.0]])
        last = _to_boundary(u, knots[-2])
        columns += [_to_boundary(u, knot) - last for knot in knots[:-2]]
    basis: Floats = np.linalg.qr(np.column_stack(columns[:df]))[0]
    return basis


def _to_boundary(u: Floats, knot: float) -> Floats:
    """Truncated cubic from `knot`, scaled so that differences of two are straight past 1."""
    past, past_end = np.maximum(u - knot, 0.0), np.maximum(u - 1.0, 0.0)
    # Products: a power of arrays takes ten times as long.
    result: Floats = (past * past * past - past_end * past_end * past_end) / (1.0 - knot)
    return result

"""Benjamini–Hochberg adjustment, on the logarithmic scale."""

import numpy as np

from pipeline.dea.arrays import Floats


def neg_log10_adjusted(neg_log10_p: Floats) -> Floats:
    """−log10 of Benjamini–Hochberg adjusted p values of `neg_log10_p` (gene,), which has no NaN."""
    n = neg_log10_p.size
    # Stable is many times as fast where most p are 1.
    order = np.argsort(neg_log10_p, kind="stable")
    # From the largest p to the smallest: each adjusted value is the least so far.
    shift = np.log10(n / np.arange(n, 0, -1.0))
    adjusted = np.maximum.accumulate(neg_log10_p[order] - shift)
    result = np.empty(n)
    result[order] = np.maximum(adjusted, 0.0)
    return result

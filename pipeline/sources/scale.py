"""Are these values counts, or normalised values or logarithms that pose as counts?

Estimated counts (RSEM, Salmon and tximport, StringTie) are fractional too, so fractions alone prove
nothing: a gene with one transcript and unique reads keeps a whole number, hence even they leave far
more than a tenth of the values whole. Only tximport's `scaledTPM` and `lengthScaledTPM` make every value
fractional, and these still add up to each sample's own library size. So a table is refused only when
nearly all values are fractional AND one of four things holds that no count estimate does:

- the largest value is that of a logarithm (below 50: 2^50 reads is no library; here half of the values
  will do, since the logarithms of 1, 3 and 7 reads and one are whole);
- every column adds up to the same total (TPM, CPM, shares), or to about a million;
- a fifth of the values that are not zero are below 1 (FPKM, CPM): made from seven real tables, FPKM and
  CPM have 11 to 50 % there, and counts with every value fractional 1 to 8 %;
- every column is a multiple of its smallest value (counts divided by a size factor).

What passes wrongly nobody catches, and what is refused wrongly its owner can't use, so only sure cases are
refused: FPKM of a deep library can pass.
"""

import numpy as np
import numpy.typing as npt

_MIN_VALUES = 100
_FRACTIONAL_SHARE = 0.9
_LOG_FRACTIONAL_SHARE = 0.5
_LOG_MAX = 50.0
_SAME_TOTAL = 0.005
_MILLION = 0.05
_BELOW_ONE_SHARE = 0.2
_GRID_MAX = 8
_GRID_OFF = 0.06
_GRID_SHARE = 0.99


def why_not_counts(counts: npt.NDArray[np.float64]) -> str:
    """What shows that (sample, row) values are no counts; empty: they may well be.

    Fewer than 100 values that are not zero prove nothing.
    """
    if (np.floor(counts) == counts).all():
        return ""
    values = counts[counts > 0]
    if values.size < _MIN_VALUES:
        return ""
    fractional = float(np.mean(np.abs(values - np.round(values)) > 1e-6))
    share = f"{fractional:.0%} of the values are fractional and"
    if fractional > _LOG_FRACTIONAL_SHARE and values.max() < _LOG_MAX:
        return f"{share} none is above {values.max():.4g}, as for logarithms"
    if fractional < _FRACTIONAL_SHARE:
        return ""
    totals = counts.sum(axis=1)
    totals = totals[totals > 0]
    if len(totals) > 1 and np.ptp(totals) <= _SAME_TOTAL * totals.mean():
        return f"{share} every sample adds up to {totals.mean():.4g}, as for TPM or CPM"
    if (np.abs(totals - 1e6) <= _MILLION * 1e6).all():
        return f"{share} every sample adds up to about a million, as for TPM or CPM"
    below_one = float(np.mean(values < 1))
    if below_one > _BELOW_ONE_SHARE:
        return f"{share} {below_one:.0%} are below 1, as for FPKM, TPM or CPM"
    if all(_on_a_grid(column[column > 0]) for column in counts):
        return f"{share} each sample is a multiple of its smallest value, as for scaled counts"
    return ""


def _on_a_grid(values: npt.NDArray[np.float64]) -> bool:
    """True when small values are whole multiples of the smallest, but for rounding; an empty sample is."""
    if values.size == 0:
        return True
    unit = np.median(values[values < 1.02 * values.min()])
    ratio = values / unit
    ratio = ratio[(ratio > 1.5) & (ratio < _GRID_MAX)]
    if ratio.size < _MIN_VALUES // 2:
        return False
    return bool(np.mean(np.abs(ratio - np.round(ratio)) < _GRID_OFF) >= _GRID_SHARE)

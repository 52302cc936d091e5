"""How near to R a study's numbers must be: issue 3's bars, in one place."""

import numpy as np

from pipeline.dea.arrays import Bools, Floats
from pipeline.dea.result import StudyResult

STATISTICS = ("logfc", "se", "t", "p_value", "adj_p_value", "lods")
ABSOLUTE = {"logfc": 1e-9, "ave_expr": 1e-9, "lods": 1e-7}
RELATIVE = {
    "norm_factors": 1e-12,
    "library_sizes": 0.0,
    "sigma": 1e-8,
    "s2_prior": 1e-8,
    "df_prior": 1e-8,
    "se": 1e-8,
    "t": 1e-7,
    "p_value": 1e-7,
    "adj_p_value": 1e-7,
    "sample_weights": 1e-6,
    "correlation": 1e-6,
}
# Robust priors, quality weights and correlations are iterated to a tolerance by R.
LOOSE = 1e-6
T_FLOOR = 1e-3


def error(name: str, ours: Floats, theirs: Floats) -> float:
    """The greatest difference, absolute or relative as the bar is."""
    ours, theirs = np.broadcast_arrays(np.asarray(ours), np.asarray(theirs))
    both_infinite = np.isinf(ours) & (ours == theirs)
    ours, theirs = ours[~both_infinite], theirs[~both_infinite]
    difference = np.abs(ours - theirs)
    if name in RELATIVE:
        difference /= np.maximum(np.abs(theirs), T_FLOOR if name == "t" else 1e-300)
    return float(difference.max(initial=0.0))


def compare(result: StudyResult, theirs: dict[str, Floats], *, step: int = 1) -> dict[str, float]:
    """Errors against R; sets and calls, which must be identical, are checked here.

    `step` says that R's statistics hold only every so many genes of the filter.
    """
    keep = theirs["keep"].astype(bool)
    np.testing.assert_array_equal(result.filtered, keep)
    some = np.flatnonzero(keep)[::step]
    n_contrasts = len(result.contrasts)
    errors = {
        "norm_factors": error("norm_factors", result.norm_factors, theirs["norm_factors"]),
        "library_sizes": error("library_sizes", result.library_sizes, theirs["library_sizes"]),
        "sample_weights": error("sample_weights", result.sample_weights, theirs["sample_weights"]),
    }
    if "correlation" in theirs:
        errors["correlation"] = error(
            "correlation", np.array(result.correlation), theirs["correlation"]
        )
    for name in ("ave_expr", "sigma", "s2_prior", "df_prior"):
        if name in theirs and (name != "sigma" or result.df_residual > 0):
            errors[name] = _per_gene(name, getattr(result, name), theirs[name], some, result)
    if "t" in theirs:
        # Without a filter R also answers for genes without a count; here they are NaN.
        expected = np.broadcast_to(keep & result.measured, result.tested.shape)
        np.testing.assert_array_equal(result.tested, expected)
        for name in STATISTICS[1:]:
            np.testing.assert_array_equal(np.isfinite(getattr(result, name)), expected)
    for name in STATISTICS:
        if name in theirs:
            values = theirs[name].reshape(n_contrasts, -1)
            used = result.measured[some]
            ours = getattr(result, name)[:, some]
            errors[name] = error(name, ours[:, used], values[:, used])
    if "called" in theirs:
        called = theirs["called"].reshape(n_contrasts, -1).astype(bool)
    elif "adj_p_value" in theirs:
        called = theirs["adj_p_value"].reshape(n_contrasts, -1) < 0.05
    else:
        return errors
    measured = result.measured[keep]
    np.testing.assert_array_equal(
        result.adj_p_value[:, keep][:, measured] < 0.05, called[:, measured]
    )
    return errors


def check(errors: dict[str, float], *, loose: bool = False) -> None:
    """Raise where an error is over its bar."""
    bars = {name: max(bar, LOOSE) if loose else bar for name, bar in (ABSOLUTE | RELATIVE).items()}
    over = {name: value for name, value in errors.items() if not value <= bars[name]}
    assert not over, f"over the bar: {over}"


def _per_gene(
    name: str, ours: Floats, theirs: Floats, some: Bools | np.ndarray, result: StudyResult
) -> float:
    if ours.ndim == 0:
        return error(name, ours, theirs)
    used = result.measured[some]
    value = theirs if theirs.size == 1 else theirs[used]
    return error(name, ours[some][used], value)

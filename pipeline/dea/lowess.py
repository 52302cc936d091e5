"""Cleveland's robust local regression (1979), fitted only on a grid of its points."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.dea.arrays import Floats, Ints
from pipeline.dea.selection import order_statistic

ROBUST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Curve:
    """A piecewise linear curve, constant outside its knots; `x` strictly increases."""

    x: Floats
    y: Floats

    def __call__(self, x: Floats) -> Floats:
        """Value at each of `x`, of any shape."""
        flat = np.ascontiguousarray(x).ravel()
        return np.asarray(_interpolate(flat, self.x, self.y)).reshape(x.shape)


def fit_lowess(x: Floats, y: Floats, *, span: float, delta: float) -> Curve:
    """Fit the curve of `y` on `x`, both (point,) and finite, in any order.

    Between points further than `delta` apart it is fitted, between them it is linear, so the fitted
    points carry all of it.

    Parameters
    ----------
    span
        Share of the points in each window.
    delta
        Distance over which the curve is interpolated, in units of `x`.
    """
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    n = x.size
    if n == 1:
        return Curve(x, y.copy())
    window = max(2, min(n, int(span * n + 1e-7)))
    at, left, end, width = _windows(x, window, delta)
    robust = np.ones(n)
    for left_rounds in range(ROBUST_ROUNDS, -1, -1):
        fitted = _fit_windows(x, y, robust, at, left, end, width)
        if left_rounds == 0:
            break
        residual = np.abs(y - np.interp(x, x[at], fitted))
        middle = order_statistic(residual, (n - 1) // 2) + order_statistic(residual, n // 2)
        scale = 3 * middle
        if scale <= 1e-7 * residual.mean():
            break
        robust = (1 - (residual / scale) ** 2) ** 2
        robust[residual <= 0.001 * scale] = 1.0
        robust[residual > 0.999 * scale] = 0.0
    return Curve(x[at], fitted)


# A table of equal cells finds the knot, where NumPy's search takes five times as long.
@njit(cache=True)  # type: ignore[untyped-decorator]
def _interpolate(at: Floats, x: Floats, y: Floats) -> Floats:
    result = np.empty(at.size)
    if x.size == 1:
        result[:] = y[0]
        return result
    n_cells = 8 * x.size
    per_unit = n_cells / (x[-1] - x[0])
    first = np.empty(n_cells + 1, np.int64)
    k = 0
    for c in range(n_cells + 1):
        while k < x.size - 2 and x[k + 1] <= x[0] + c / per_unit:
            k += 1
        first[c] = k
    slope = (y[1:] - y[:-1]) / (x[1:] - x[:-1])
    for i in range(at.size):
        v = at[i]
        if v <= x[0]:
            result[i] = y[0]
        elif v >= x[-1]:
            result[i] = y[-1]
        elif v == v:
            k = max(first[int((v - x[0]) * per_unit)] - 1, 0)
            while v > x[k + 1]:
                k += 1
            result[i] = y[k] + slope[k] * (v - x[k])
        else:
            result[i] = v
    return result


@njit(cache=True)  # type: ignore[untyped-decorator]
def _windows(x: Floats, window: int, delta: float) -> tuple[Ints, Ints, Ints, Floats]:
    """Points to fit at; for each its window's first point, one past its last, and half width."""
    n = x.size
    at = np.empty(n, np.int64)
    left = np.empty(n, np.int64)
    end = np.empty(n, np.int64)
    width = np.empty(n)
    count = 0
    first, last_of_window = 0, window - 1
    i = 0
    while True:
        while last_of_window < n - 1 and x[i] - x[first] > x[last_of_window + 1] - x[i]:
            first += 1
            last_of_window += 1
        h = max(x[i] - x[first], x[last_of_window] - x[i])
        stop = last_of_window + 1
        while stop < n and x[stop] - x[i] <= 0.999 * h:
            stop += 1
        at[count], left[count], end[count], width[count] = i, first, stop, h
        count += 1
        fitted = i
        cut = x[i] + delta
        j = i + 1
        while j < n and x[j] <= cut:
            if x[j] == x[i]:
                fitted = j
            j += 1
        if fitted >= n - 1:
            break
        i = max(fitted + 1, j - 1)
    return at[:count], left[:count], end[:count], width[:count]


# Summing in any order lets the compiler use vector instructions; it moves the last bits only.
@njit(cache=True, fastmath={"reassoc", "contract", "nsz"})  # type: ignore[untyped-decorator]
def _fit_windows(
    x: Floats, y: Floats, robust: Floats, at: Ints, left: Ints, end: Ints, width: Floats
) -> Floats:
    """Value at each fitted point of the weighted straight line through its window."""
    smallest = 0.001 * (x[-1] - x[0])
    fitted = np.empty(at.size)
    for k in range(at.size):
        here = x[at[k]]
        h = width[k]
        inside, outside = 0.001 * h, 0.999 * h
        scale = 1.0 / h if h > 0 else 0.0
        sum_w = sum_x = sum_xx = sum_y = sum_xy = 0.0
        for j in range(left[k], end[k]):
            d = x[j] - here
            r = abs(d)
            u = r * scale
            u = 1.0 - u * u * u
            w = u * u * u
            w = 1.0 if r <= inside else w
            w = 0.0 if r > outside else w
            w *= robust[j]
            wd = w * d
            sum_w += w
            sum_x += wd
            sum_xx += wd * d
            sum_y += w * y[j]
            sum_xy += wd * y[j]
        if sum_w <= 0.0:
            fitted[k] = y[at[k]]
            continue
        mean_x = sum_x / sum_w
        value = sum_y / sum_w
        spread = sum_xx / sum_w - mean_x * mean_x
        if spread > 0.0 and np.sqrt(spread) > smallest:
            slope = (sum_xy / sum_w - mean_x * value) / spread
            value -= slope * mean_x
        fitted[k] = value
    return fitted

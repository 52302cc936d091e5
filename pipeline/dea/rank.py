"""Which columns of a design can be estimated, which contrasts, and how much each sample decides."""

import numpy as np

from pipeline.dea.arrays import Bools, Floats

# A column is aliased when less than this share of its norm is left after the columns before it.
ALIAS_TOLERANCE = 1e-7


def estimable_columns(matrix: Floats) -> Bools:
    """(coef,) whether each column of `matrix` (sample, coef) adds to the columns before it."""
    n_samples, n_columns = matrix.shape
    basis = np.empty((n_samples, 0))
    kept = np.zeros(n_columns, dtype=bool)
    for j in range(n_columns):
        column = matrix[:, j]
        norm = np.linalg.norm(column)
        residual = column - basis @ (basis.T @ column)
        residual -= basis @ (basis.T @ residual)
        left = np.linalg.norm(residual)
        if basis.shape[1] < n_samples and left > ALIAS_TOLERANCE * norm:
            kept[j] = True
            basis = np.column_stack([basis, residual / left])
    return kept


def is_estimable(matrix: Floats, contrast: Floats) -> bool:
    """Whether `contrast` (coef,) is a combination of the rows of `matrix` (sample, coef).

    A difference of groups that is not is confounded with a covariate: any value would fit the data.
    """
    solution = np.linalg.lstsq(matrix.T, contrast, rcond=ALIAS_TOLERANCE)[0]
    gap = np.linalg.norm(matrix.T @ solution - contrast)
    return bool(gap <= ALIAS_TOLERANCE * np.linalg.norm(contrast))


def leverages(matrix: Floats) -> Floats:
    """(sample,) diagonal of the projection on the columns of `matrix`, of any rank."""
    kept = matrix[:, estimable_columns(matrix)]
    basis = np.linalg.qr(kept)[0]
    leverage: Floats = np.sum(basis**2, axis=1)
    return leverage

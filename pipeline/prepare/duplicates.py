"""Near-duplicate contrasts of different studies: candidates by random projection, then exactly."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats32 = npt.NDArray[np.float32]

SKETCH_SIZE = 256
# A pair is a candidate where the |cosine| of its sketches is no further than this below the limit. Sketches
# of unrelated contrasts have a cosine with a standard deviation of 1/16, those of nearly equal ones far less:
# at 0.95 − 0.35 the margin is room for genes that only one of the two tests, a third of its t's squares.
_CANDIDATE_MARGIN = 0.35
_BLOCK = 2048
_GENES = 4096


def sketch(t: Floats32, seed: int = 0) -> Floats32:
    """Random projections (row, SKETCH_SIZE) of unit length of t (row, gene), centred, 0 where NaN.

    A row without any variance has zeros.
    """
    seen = ~np.isnan(t)
    n = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    mean = np.where(seen, t, 0).sum(axis=1, keepdims=True, dtype=np.float64) / n
    found = np.zeros((len(t), SKETCH_SIZE), np.float32)
    for block, first in enumerate(range(0, t.shape[1], _GENES)):
        columns = slice(first, first + _GENES)
        width = min(_GENES, t.shape[1] - first)
        signs = np.random.default_rng([seed, block]).integers(
            0, 2, (width, SKETCH_SIZE), dtype=np.int8
        )
        centred = np.where(seen[:, columns], t[:, columns] - mean, 0).astype(np.float32)
        found += centred @ (2 * signs - 1).astype(np.float32)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    found /= np.where(length > 0, length, 1)
    return found


def candidates(
    sketches: Floats32, group: npt.NDArray[np.int64], limit: float
) -> Iterator[npt.NDArray[np.int64]]:
    """Pairs (pair, 2) of rows of different groups that may correlate beyond ±`limit`, block by block."""
    threshold = max(limit - _CANDIDATE_MARGIN, 0.1)
    for first in range(0, len(sketches), _BLOCK):
        rows = slice(first, first + _BLOCK)
        for second in range(first, len(sketches), _BLOCK):
            columns = slice(second, second + _BLOCK)
            near = np.abs(sketches[rows] @ sketches[columns].T) > threshold
            near &= group[rows, None] != group[None, columns]
            a, b = np.nonzero(near)
            pairs = np.column_stack([a + first, b + second])
            yield pairs[pairs[:, 0] < pairs[:, 1]]


def correlation(a: Floats32, b: Floats32, min_genes: int) -> float:
    """Pearson correlation over the genes that neither has NaN for; 0 if there are fewer than `min_genes`."""
    both = ~(np.isnan(a) | np.isnan(b))
    if both.sum() < min_genes:
        return 0.0
    x, y = a[both].astype(np.float64), b[both].astype(np.float64)
    x, y = x - x.mean(), y - y.mean()
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size > 0 else 0.0

"""Which genes have enough counts to be tested."""

import numpy as np

from pipeline.dea.arrays import Bools, Floats
from pipeline.dea.rank import leverages

MIN_COUNT = 10.0
MIN_TOTAL_COUNT = 15.0
LARGE_N = 10.0
MIN_SHARE = 0.7
TOLERANCE = 1e-14


def min_samples(matrix: Floats) -> float:
    """Samples a gene must be expressed in: those of the smallest group, fewer of many.

    With groups only, the inverse of the greatest leverage is the size of the smallest group.
    """
    with_intercept = np.column_stack([np.ones(matrix.shape[0]), matrix])
    # Rounded on purpose: where the sum below is an integer, the last bit would decide.
    n = round(1.0 / float(leverages(with_intercept).max()), 9)
    return LARGE_N + MIN_SHARE * (n - LARGE_N) if n > LARGE_N else n


def count_thresholds(library_sizes: Floats) -> tuple[Floats, float]:
    """Per-sample factor from counts to CPM, (sample,), and the least CPM of an expressed gene.

    The order of evaluation decides exact ties: with odd n the median sample sits on the threshold.
    """
    return 1e6 / library_sizes, MIN_COUNT / float(np.median(library_sizes)) * 1e6


def is_expressed(counts: Floats, matrix: Floats) -> Bools:
    """(gene,) whether a gene reaches the least CPM in enough samples, and the least total count."""
    at_least = at_least_cpm(counts, counts.sum(axis=1))
    enough = at_least.sum(axis=0) >= min_samples(matrix) - TOLERANCE
    total = counts.sum(axis=0) >= MIN_TOTAL_COUNT - TOLERANCE
    result: Bools = enough & total
    return result


def at_least_cpm(counts: Floats, library_sizes: Floats) -> Bools:
    """(sample, gene) whether the gene reaches the least CPM in the sample."""
    to_cpm, least = count_thresholds(library_sizes)
    reached = np.empty(counts.shape, dtype=bool)
    for i, row in enumerate(counts):
        np.greater_equal(row * to_cpm[i], least, out=reached[i])
    return reached


def is_tested(reached: Bools, test: Bools, reference: Bools) -> Bools:
    """(gene,) whether a gene is expressed in a contrast's own groups.

    `reached` (sample, gene) is `at_least_cpm`; `test` and `reference` (sample,) are the groups. A
    gene silent in both but expressed elsewhere in the study is no evidence: only depth would be
    compared.
    """
    needed = min(int(test.sum()), int(reference.sum()))
    result: Bools = reached[test | reference].sum(axis=0) >= needed
    return result

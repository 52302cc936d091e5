"""Two halves of a study: its samples dealt out, or each of its counts thinned (pure arrays)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def thin(counts: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two tables that add up to `counts` (sample, gene): a fair coin for each read.

    Counts may be fractions, as estimates are: whole reads are split binomially, and what is left, less than
    a read, goes to one of the two by a coin of its own. If a count is Poisson given the gene's true
    expression in the sample, its two halves are independent given it.
    """
    whole = np.floor(counts)
    first = rng.binomial(whole.astype(np.int64), 0.5).astype(np.float64)
    rest = counts - whole
    if rest.any():
        first += np.where(rng.random(counts.shape) < 0.5, rest, 0.0)
    return first, counts - first


def deal(
    strata: Sequence[tuple[str, ...]], block: Sequence[str] | None, rng: np.random.Generator
) -> Bools:
    """(sample,) which samples are in the first half.

    Samples of one block (a subject, say) share noise, and stay together. Blocks that hold the same strata, or
    samples of the same stratum, are dealt out in turn, in random order: halves of a stratum differ by one
    unit at most.

    Parameters
    ----------
    strata
        (sample,) group and covariate levels of each sample.
    block
        (sample,) block of each sample, if there are any.
    """
    members: dict[object, list[int]] = {}
    for i in range(len(strata)):
        members.setdefault(i if block is None else block[i], []).append(i)
    units = list(members.values())
    holds = [sorted(strata[i] for i in unit) for unit in units]
    # The sort is stable: units that hold the same stay in random order.
    order = sorted(rng.permutation(len(units)).tolist(), key=lambda unit: holds[unit])
    turn = int(rng.integers(2))
    first = np.zeros(len(strata), dtype=bool)
    for unit in order[turn::2]:
        first[units[unit]] = True
    return first

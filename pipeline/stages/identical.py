"""Samples whose counts are the same in every gene: one file under two names, and no replicates."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

# Fewer genes with a count may be the same by chance.
MIN_GENES = 100
SAME, OTHER_GROUP = "same_counts", "same_counts_in_another_group"


def identical_samples(
    counts: npt.NDArray[np.float64], samples: Sequence[str]
) -> list[tuple[str, ...]]:
    """Sets of samples with the same (sample, gene) counts, each sorted by name."""
    found: dict[bytes, list[str]] = {}
    for name, row in zip(samples, counts, strict=True):
        if np.count_nonzero(row) >= MIN_GENES:
            digest = hashlib.sha256(np.ascontiguousarray(row).tobytes()).digest()
            found.setdefault(digest, []).append(name)
    return sorted(tuple(sorted(names)) for names in found.values() if len(names) > 1)


def without_copies(
    identical: Sequence[Sequence[str]], group_of: Mapping[str, str]
) -> dict[str, str]:
    """Samples to leave out, with the reason: all copies but the first, or all where their groups differ.

    Of the latter nobody can tell whose counts they are. Samples without a group do no harm.
    """
    left_out: dict[str, str] = {}
    for names in identical:
        used = [name for name in names if name in group_of]
        if len({group_of[name] for name in used}) > 1:
            left_out |= dict.fromkeys(used, OTHER_GROUP)
        else:
            left_out |= dict.fromkeys(used[1:], SAME)
    return left_out

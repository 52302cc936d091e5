"""Counting over 1,024 sets at once: a set is a bit of one of 16 words, and a sum has a row for each bit."""

import numpy as np
from numba import njit

from pipeline.dea.arrays import Ints
from pipeline.enrich.arrays import Int32s, Words

# Words of a row; loops over them are short, of known length, and become vector instructions.
LANES = 16
SETS = 64 * LANES
# Its six leading bits are another number after every shift: a de Bruijn sequence.
_SEQUENCE = np.uint64(0x03F79D71B4CB0A89)
_PLACES = np.argsort((_SEQUENCE << np.arange(64, dtype=np.uint64)) >> np.uint64(58))


def lay_out_sums(size: Int32s, rest_start: Ints, most: int) -> Ints:
    """(term + 1,) first row of each term's sums, which are at most its size and `most`.

    A term with the same genes as its base, `rest_start` as in `Nesting`, has no rows.
    """
    # Sixteen genes are added at once, which takes four rows whatever the sum can be.
    n_rows = np.frexp(np.minimum(size, max(most, 15)))[1]
    n_rows[rest_start[1:] == rest_start[:-1]] = 0
    return np.concatenate([[0], np.cumsum(n_rows, dtype=np.int64)])


@njit(cache=True)  # type: ignore[untyped-decorator]
def count_bits(
    bits: Words, base: Int32s, rest_start: Ints, rest: Int32s, row: Ints, sums: Words
) -> None:
    """Sums of all terms: bit b of term t's is in row `row[t]` + b.

    Parameters
    ----------
    bits
        (gene × lane,) which sets have a gene.
    base, rest_start, rest
        As in `Nesting`.
    row
        From `lay_out_sums`.
    sums
        (row × lane,) filled here.
    """
    eight = np.empty(8 * LANES, np.uint64)
    carry, waiting = np.empty(LANES, np.uint64), np.empty(LANES, np.uint64)
    same = np.arange(base.size)
    for t in range(base.size):
        first, stop = row[t], row[t + 1]
        begin = first
        if base[t] >= 0:
            b = same[base[t]]
            if first == stop:
                same[t] = b
                continue
            begin += row[b + 1] - row[b]
            sums[first * LANES : begin * LANES] = sums[row[b] * LANES : row[b + 1] * LANES]
        sums[begin * LANES : stop * LANES] = 0
        i = rest_start[t]
        waits = False
        while i + 8 <= rest_start[t + 1]:
            for k in range(8):
                _copy(bits, rest[i + k], eight, k)
            _add_eight(eight, sums[first * LANES : (first + 3) * LANES], carry)
            # Every other carry waits for the next, and two are added at once.
            if waits:
                _add_two(waiting, carry, sums[(first + 3) * LANES : (first + 4) * LANES])
                _add_one(carry, sums, first + 4, stop)
            else:
                waiting[:] = carry
            waits = not waits
            i += 8
        if waits:
            _add_one(waiting, sums, first + 3, stop)
        while i < rest_start[t + 1]:
            _copy(bits, rest[i], carry, 0)
            _add_one(carry, sums, first, stop)
            i += 1


@njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def _copy(source: Words, i: int, target: Words, k: int) -> None:
    one, other = source[i * LANES : (i + 1) * LANES], target[k * LANES : (k + 1) * LANES]
    for w in range(LANES):
        other[w] = one[w]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _add_one(carry: Words, sums: Words, first: int, stop: int) -> None:
    """Add a bit for each set to rows `first` to `stop`."""
    for b in range(first, stop):
        at = sums[b * LANES : (b + 1) * LANES]
        for w in range(LANES):
            above = at[w] & carry[w]
            at[w] ^= carry[w]
            carry[w] = above


@njit(cache=True)  # type: ignore[untyped-decorator]
def _add_two(one: Words, carry: Words, at: Words) -> None:
    """Add two bits for each set to one row; `carry`, the second, becomes what goes into the next."""
    for w in range(LANES):
        u = at[w] ^ one[w]
        above = (at[w] & one[w]) | (u & carry[w])
        at[w] = u ^ carry[w]
        carry[w] = above


@njit(cache=True)  # type: ignore[untyped-decorator]
def _add_eight(eight: Words, low: Words, carry: Words) -> None:
    """Add eight bits for each set to three rows: carry-save adders (Harley and Seal)."""
    for w in range(LANES):
        ones, twos, fours = low[w], low[LANES + w], low[2 * LANES + w]
        a, b = eight[w], eight[LANES + w]
        u = ones ^ a
        twos_a = (ones & a) | (u & b)
        ones = u ^ b
        a, b = eight[2 * LANES + w], eight[3 * LANES + w]
        u = ones ^ a
        twos_b = (ones & a) | (u & b)
        ones = u ^ b
        u = twos ^ twos_a
        fours_a = (twos & twos_a) | (u & twos_b)
        twos = u ^ twos_b
        a, b = eight[4 * LANES + w], eight[5 * LANES + w]
        u = ones ^ a
        twos_a = (ones & a) | (u & b)
        ones = u ^ b
        a, b = eight[6 * LANES + w], eight[7 * LANES + w]
        u = ones ^ a
        twos_b = (ones & a) | (u & b)
        ones = u ^ b
        u = twos ^ twos_a
        fours_b = (twos & twos_a) | (u & twos_b)
        twos = u ^ twos_b
        u = fours ^ fours_a
        carry[w] = (fours & fours_a) | (u & fours_b)
        low[w], low[LANES + w], low[2 * LANES + w] = ones, twos, u ^ fours_b


@njit(cache=True)  # type: ignore[untyped-decorator]
def at_least(sums: Words, first: int, stop: int, bound: int, out: Words) -> None:
    """(lane,) bits of the sets whose sum, in rows `first` to `stop`, is `bound` or more."""
    if bound > 0 and bound >> (stop - first):
        out[:] = 0
        return
    out[:] = 0xFFFFFFFFFFFFFFFF
    if bound <= 0:
        return
    for b in range(first, stop):
        at = sums[b * LANES : (b + 1) * LANES]
        if (bound >> (b - first)) & 1:
            for w in range(LANES):
                out[w] &= at[w]
        else:
            for w in range(LANES):
                out[w] |= at[w]


@njit(cache=True)  # type: ignore[untyped-decorator]
def value_of(sums: Words, first: int, stop: int, w: int, r: int) -> int:
    """The sum of set r of lane w."""
    x = 0
    for b in range(first, stop):
        x |= int((sums[b * LANES + w] >> np.uint64(r)) & np.uint64(1)) << (b - first)
    return x


@njit(cache=True)  # type: ignore[untyped-decorator]
def place_of(word: np.uint64) -> int:
    """Number of the lowest bit of a word that is not 0."""
    lowest = word & (~word + np.uint64(1))
    return int(_PLACES[(lowest * _SEQUENCE) >> np.uint64(58)])

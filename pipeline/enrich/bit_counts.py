"""Counting over 64 sets at once: bit r of a word is set r, and sums are kept bit by bit in planes."""

import numpy as np
from numba import njit

from pipeline.enrich.arrays import Int32s, Words


@njit(cache=True)  # type: ignore[untyped-decorator]
def add_bits(word: Words, members: Int32s, first: int, stop: int, planes: Words) -> None:
    """Add the members' bits to sums; plane b has bit b of each, and there are enough planes."""
    i = first
    if stop - first >= 8:
        ones, twos, fours = planes[0], planes[1], planes[2]
        # Carry-save adders (Harley and Seal): eight bits in, one carry to the planes above.
        while i + 8 <= stop:
            a, b = word[members[i]], word[members[i + 1]]
            u = ones ^ a
            twos_a = (ones & a) | (u & b)
            ones = u ^ b
            a, b = word[members[i + 2]], word[members[i + 3]]
            u = ones ^ a
            twos_b = (ones & a) | (u & b)
            ones = u ^ b
            u = twos ^ twos_a
            fours_a = (twos & twos_a) | (u & twos_b)
            twos = u ^ twos_b
            a, b = word[members[i + 4]], word[members[i + 5]]
            u = ones ^ a
            twos_a = (ones & a) | (u & b)
            ones = u ^ b
            a, b = word[members[i + 6]], word[members[i + 7]]
            u = ones ^ a
            twos_b = (ones & a) | (u & b)
            ones = u ^ b
            u = twos ^ twos_a
            fours_b = (twos & twos_a) | (u & twos_b)
            twos = u ^ twos_b
            u = fours ^ fours_a
            carry = (fours & fours_a) | (u & fours_b)
            fours = u ^ fours_b
            plane = 3
            while carry:
                above = planes[plane] & carry
                planes[plane] ^= carry
                carry = above
                plane += 1
            i += 8
        planes[0], planes[1], planes[2] = ones, twos, fours
    while i < stop:
        carry = word[members[i]]
        plane = 0
        while carry:
            above = planes[plane] & carry
            planes[plane] ^= carry
            carry = above
            plane += 1
        i += 1


@njit(cache=True)  # type: ignore[untyped-decorator]
def at_least(planes: Words, bound: int) -> np.uint64:
    """Bits of the sets whose sum is `bound` or more."""
    if bound <= 0:
        return np.uint64(0xFFFFFFFFFFFFFFFF)
    if bound >> planes.size:
        return np.uint64(0)
    result = np.uint64(0xFFFFFFFFFFFFFFFF)
    for b in range(planes.size):
        if (bound >> b) & 1:
            result &= planes[b]
        else:
            result |= planes[b]
    return result


@njit(cache=True)  # type: ignore[untyped-decorator]
def value_of(planes: Words, r: int) -> int:
    """The sum of one set."""
    x = 0
    for b in range(planes.size):
        x |= int((planes[b] >> np.uint64(r)) & np.uint64(1)) << b
    return x

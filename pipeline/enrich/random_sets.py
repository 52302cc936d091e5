"""Random gene sets that grow together, so that one stream serves every size."""

import numpy as np
from numba import njit

from pipeline.enrich.arrays import Words
from pipeline.enrich.bit_counts import LANES, SETS


def make_states(seed: int, n: int) -> Words:
    """Starts of `n` independent streams; the first ones are the same whatever `n`."""
    return np.random.SeedSequence(seed).generate_state(n, np.uint64).astype(np.uint64)


class RandomSets:
    """`n_sets` random subsets of N genes that grow together.

    Set number r draws genes, without replacement, from a stream of its own that depends on the seed
    and r alone; at size M it holds its first M.

    Parameters
    ----------
    seed
        Any integer from 0 to 2^128.
    """

    def __init__(self, n_genes: int, n_sets: int, seed: int) -> None:
        self.n_genes, self.n_sets = n_genes, n_sets
        self.size = 0
        # Bit g % 64 of word g // 64: a set's two kilobytes stay in the fastest cache while it is drawn.
        n_rows = -(-n_sets // SETS) * SETS
        self._drawn: Words = np.zeros((n_rows, -(-n_genes // 64)), np.uint64)
        self._states = make_states(seed, n_sets)

    def grow(self, size: int) -> None:
        """Draw until every set has `size` genes."""
        if not self.size <= size <= self.n_genes:
            raise ValueError(
                f"sets of {self.size} of {self.n_genes} genes can't grow to {size}; ask in order"
            )
        _draw(self._drawn, self._states, self.n_genes, size - self.size)
        self.size = size

    def bits(self, first: int) -> Words:
        """(gene × lane,) where bit b of lane w says whether set `first` + 64 w + b has the gene.

        Genes are rounded up to a multiple of 64; what is beyond the last set is 0.
        """
        out = np.empty(self._drawn.shape[1] * 64 * LANES, np.uint64)
        _turn(self._drawn[first : first + SETS], out)
        return out


@njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def next_word(state: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The next state and 64 random bits: SplitMix64 (Steele, Lea and Flood 2014)."""
    state += np.uint64(0x9E3779B97F4A7C15)
    mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state, mixed ^ (mixed >> np.uint64(31))


@njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def below(word: np.uint64, n: int) -> int:
    """A number from 0 to n − 1 from 64 random bits."""
    return int(float(word >> np.uint64(11)) * 2.0**-53 * n)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _draw(drawn: Words, states: Words, n_genes: int, n_draws: int) -> None:
    one = np.uint64(1)
    genes = np.empty(64, np.uint64)
    for r in range(states.size):
        mine = drawn[r]
        state = states[r]
        left = n_draws
        while left > 0:
            # First random numbers, which becomes vector instructions, then memory. Never more than
            # are needed, so that the stream doesn't depend on where growing stopped.
            n = min(left, genes.size)
            for i in range(n):
                state, word = next_word(state)
                genes[i] = np.uint64(below(word, n_genes))
            fresh = np.uint64(0)
            for i in range(n):
                place, bit = genes[i] >> np.uint64(6), genes[i] & np.uint64(63)
                held = mine[place]
                fresh += ~(held >> bit) & one
                mine[place] = held | (one << bit)
            left -= int(fresh)
        states[r] = state


@njit(cache=True)  # type: ignore[untyped-decorator]
def _turn(drawn: Words, out: Words) -> None:
    """Turn sets of genes into genes of sets, in squares of 64 by 64 bits (Warren 2012, 7-3)."""
    for block in range(drawn.shape[1]):
        square = out[64 * block * LANES : 64 * (block + 1) * LANES]
        for i in range(64):
            for w in range(LANES):
                square[i * LANES + w] = drawn[64 * w + i, block]
        half = 32
        mask = np.uint64(0xFFFFFFFF)
        while half > 0:
            shift = np.uint64(half)
            for i in range(0, 64, 2 * half):
                upper = square[i * LANES : (i + half) * LANES]
                lower = square[(i + half) * LANES : (i + 2 * half) * LANES]
                for k in range(upper.size):
                    swap = ((upper[k] >> shift) ^ lower[k]) & mask
                    lower[k] ^= swap
                    upper[k] ^= swap << shift
            half //= 2
            mask ^= mask << np.uint64(half)

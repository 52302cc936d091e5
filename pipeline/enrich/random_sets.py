"""Random gene sets as bits: 64 sets in a word, nested, so that one stream serves every size."""

import numpy as np
from numba import njit

from pipeline.enrich.arrays import Words

SETS_PER_WORD = 64


def make_states(seed: int, n: int) -> Words:
    """Starts of `n` independent streams; the first ones are the same whatever `n`."""
    return np.random.SeedSequence(seed).generate_state(n, np.uint64).astype(np.uint64)


class RandomSets:
    """`n_sets` random subsets of N genes that grow together.

    Set number r draws genes, without replacement, from a stream of its own that depends on the seed
    and r alone; at size M it holds its first M. `bits` is (word, gene): bit r % 64 of word r // 64.

    Parameters
    ----------
    seed
        Any integer from 0 to 2^128.
    """

    def __init__(self, n_genes: int, n_sets: int, seed: int) -> None:
        self.n_genes, self.n_sets = n_genes, n_sets
        self.size = 0
        self.bits: Words = np.zeros((-(-n_sets // SETS_PER_WORD), n_genes), np.uint64)
        self._states = make_states(seed, n_sets)

    def grow(self, size: int) -> None:
        """Draw until every set has `size` genes."""
        if not self.size <= size <= self.n_genes:
            raise ValueError(
                f"sets of {self.size} of {self.n_genes} genes can't grow to {size}; ask in order"
            )
        _draw(self.bits, self._states, size - self.size)
        self.size = size


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
def _draw(bits: Words, states: Words, n_draws: int) -> None:
    n_genes = bits.shape[1]
    for r in range(states.size):
        word = bits[r // 64]
        bit = np.uint64(1) << np.uint64(r % 64)
        state = states[r]
        left = n_draws
        while left > 0:
            state, drawn = next_word(state)
            gene = below(drawn, n_genes)
            if not word[gene] & bit:
                word[gene] |= bit
                left -= 1
        states[r] = state

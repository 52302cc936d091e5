"""Choosing among a person's ways of writing."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def words(text: str) -> tuple[str, ...]:
    """The words of a text, as a list that is easy to read."""
    return tuple(text.split())


class Draw:
    """A random generator with the few verbs that templates need."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def some(self, choices: Sequence[T], n: int) -> list[T]:
        """`n` different ones, in random order."""
        return [choices[int(i)] for i in self.rng.permutation(len(choices))[:n]]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All of them in random order."""
        return self.some(items, len(items))

    def maybe(self, chance: float) -> bool:
        """True with this chance."""
        return bool(self.rng.random() < chance)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self.rng.integers(low, high + 1))

    def replicates(self, low: int = 2, high: int = 6) -> int:
        """How many replicates a group has: mostly three."""
        return 3 if low <= 3 <= high and self.maybe(0.5) else self.between(low, high)

    def written(self, values: Sequence[str]) -> tuple[str, ...]:
        """One column's values in one hand: as they are, in lower case, capitalised, with underscores."""
        hands = [list(values)] * 7 + [
            [v.lower() for v in values],
            [v[:1].upper() + v[1:] for v in values],
            [v.replace(" ", "_") for v in values],
            [v.replace(" ", "-") for v in values],
        ]
        hand = self.pick(hands)
        return tuple(hand if len({v.casefold() for v in hand}) == len(values) else values)

"""A factor of a study: its levels as cells of a characteristic, and as parts of a title."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.words_keys import KEYS


def natural_key(text: str) -> list[tuple[int, str]]:
    """Sort key that puts `day 9` before `day 10`, whatever the case."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(int(p), "") if p.isdigit() else (-1, p) for p in parts if p]


@dataclass(frozen=True, kw_only=True, slots=True)
class Levels:
    """A factor. `values` are its levels in a characteristic, `shorts` in a title.

    `reference` is the number of the level that others are compared with, None where any would do. Ordered
    levels stand in their order, and the first is the reference. Within a `stratum` others are compared.
    """

    key: str
    values: tuple[str, ...]
    shorts: tuple[str, ...]
    reference: int | None = None
    ordered: bool = False
    stratum: bool = False

    def __post_init__(self) -> None:
        if len(self.values) != len(self.shorts) or len(set(self.values)) != len(self.values):
            raise ValueError(f"levels must be distinct, each with a short form, got {self}")

    def first(self, texts: Sequence[str]) -> int:
        """The level whose text comes first in natural order."""
        return min(range(len(texts)), key=lambda i: natural_key(texts[i]))

    @property
    def hub(self) -> int:
        """The level that the others are compared with, by the cells."""
        if self.ordered:
            return 0
        return self.first(self.values) if self.reference is None else self.reference

    @property
    def title_hub(self) -> int:
        """The same where only titles are seen."""
        return self.first(self.shorts) if not self.directed else self.hub

    @property
    def directed(self) -> bool:
        """Whether it is known which level is the reference."""
        return self.ordered or self.reference is not None

    def as_stratum(self) -> "Levels":
        """The same levels, within which other factors are compared."""
        return replace(self, stratum=True)


def make_levels(
    draw: Draw,
    kind: str,
    pairs: Sequence[tuple[str, str]],
    *,
    reference: int | None = None,
    ordered: bool = False,
    stratum: bool = False,
) -> Levels:
    """Levels of one kind under one of its keys, in one hand, in a random order where none is meant."""
    order = list(range(len(pairs)))
    if not ordered:
        order = draw.shuffled(order)
    values = draw.written([pairs[i][0] for i in order])
    return Levels(
        key=draw.pick(KEYS[kind]).lower(),
        values=values,
        shorts=tuple(pairs[i][1] for i in order),
        reference=None if reference is None else order.index(reference),
        ordered=ordered,
        stratum=stratum,
    )

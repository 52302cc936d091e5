"""Variables of a study's samples: levels by place, and how the partitions of two of them relate."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pipeline.curate.column_words import OTHER
from pipeline.curate.text import plain

Codes = tuple[int, ...]


@dataclass(frozen=True)
class Variable:
    """One thing that is told of every sample.

    Parameters
    ----------
    name
        As users know it: the column, or `column[part]` of one that tells several things.
    words
        Words of its key.
    values
        (sample,) levels; empty where nothing is told.
    kind
        What it tells; a word of `column_words`.
    source
        Where it was read: a column of its own, or a kind of text.
    same_as
        Names of others that tell the same.
    hint
        The level that another variable, which tells the same, calls a control, and the word for it.
    untold
        The level of the samples of which the column itself says nothing, where another says it.
    """

    name: str
    words: tuple[str, ...]
    values: tuple[str, ...]
    kind: str = OTHER
    source: str = "column"
    same_as: tuple[str, ...] = ()
    hint: tuple[str, str] = ("", "")
    untold: str = ""

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of samples of each level, levels sorted; what is missing is none."""
        return dict(sorted(Counter(value for value in self.values if value).items()))

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """Levels, sorted."""
        return tuple(self.sizes)

    @cached_property
    def codes(self) -> Codes:
        """(sample,) partition: equal numbers where levels are equal; what is missing is one level more."""
        return codes_of(self.values)

    @property
    def n_missing(self) -> int:
        """Samples of which nothing is told."""
        return len(self.values) - sum(self.sizes.values())

    def renamed(self, **fields: object) -> "Variable":
        """The same with other fields."""
        return replace(self, **fields)  # type: ignore[arg-type]


def codes_of(values: Iterable[object]) -> Codes:
    """Numbers in the order of first appearance."""
    place: dict[object, int] = {}
    return tuple(place.setdefault(value, len(place)) for value in values)


def cross(*codes: Codes) -> Codes:
    """The partition of samples that are alike in all of these."""
    return codes_of(zip(*codes, strict=True)) if codes else ()


def determines(fine: Codes, coarse: Codes) -> bool:
    """Whether each class of `fine` lies in one of `coarse`."""
    seen: dict[int, int] = {}
    return all(seen.setdefault(a, b) == b for a, b in zip(fine, coarse, strict=True))


def n_classes(codes: Codes) -> int:
    """Classes of a partition."""
    return max(codes, default=-1) + 1


def covered(codes: Codes, at_least: int) -> float:
    """Share of the samples in classes of at least so many."""
    sizes = Counter(codes)
    return sum(n for n in sizes.values() if n >= at_least) / max(len(codes), 1)


def n_replicated(codes: Codes, at_least: int) -> int:
    """Classes of at least so many samples."""
    return sum(n >= at_least for n in Counter(codes).values())


def merge_spellings(values: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Levels that differ in spelling alone as one, in the spelling of most samples; and what was merged."""
    sizes = Counter(value for value in values if value)
    forms: dict[str, list[str]] = {}
    for level in sizes:
        forms.setdefault(plain(level) or level, []).append(level)
    merged = {
        level: min(same, key=lambda one: (-sizes[one], one))
        for same in forms.values()
        if len(same) > 1
        for level in same
    }
    merged = {level: to for level, to in merged.items() if level != to}
    return tuple(merged.get(value, value) for value in values), merged


def levels_of(variables: Mapping[str, Variable], place: int) -> dict[str, str]:
    """What the variables tell of one sample."""
    return {name: variable.values[place] for name, variable in variables.items()}

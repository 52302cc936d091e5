"""Which level the others are compared with: a control by its word, or the smallest time or dose."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.curate.quantity import quantities, quantity
from pipeline.curate.words import (
    ALONE_WORDS,
    CONTROL_PHRASES,
    CONTROL_RNA,
    CONTROL_TIERS,
    NEGATIONS,
    NEUTRAL,
)

REFERENCE, ORDERED, ARBITRARY = "reference", "ordered", "arbitrary"
_TOKEN = re.compile(r"\+/\+|[^\W_]+(?:/[^\W_]+)?")


@dataclass(frozen=True, slots=True)
class Choice:
    """The level that the others are compared with.

    `direction` says why: a control (reference), the smallest quantity (ordered), or nothing (arbitrary:
    the first level in sorted order). `word` is what told it; `tied` are levels that equally could be it.
    """

    level: str
    direction: str
    word: str = ""
    tied: tuple[str, ...] = ()


def choose_reference(factor_words: Sequence[str], levels: Sequence[str]) -> Choice:
    """Choose the level to compare with.

    The one level that consists of control words is taken, or the one with the best of them; else, where
    all levels are times or doses, the smallest, or the one that is zero; else the first in sorted order.
    """
    levels = sorted(levels)
    controls = {level: _control(level) for level in levels}
    pure = [level for level in levels if controls[level].pure]
    if len(pure) == 1:
        return Choice(pure[0], REFERENCE, controls[pure[0]].word)
    numbers = quantities(factor_words, levels)
    tiers = [controls[level].tier for level in pure or levels if controls[level].word]
    if tiers and not numbers:
        best = [level for level in pure or levels if controls[level].tier == min(tiers)]
        word = controls[best[0]].word
        return (
            Choice(best[0], REFERENCE, word)
            if len(best) == 1
            else Choice(best[0], ARBITRARY, tied=tuple(best))
        )
    first = [level for level in levels if numbers and numbers[level] == min(numbers.values())]
    if len(first) == 1:
        return Choice(first[0], ORDERED, first[0])
    zero = [level for level in levels if _is_nothing(level)]
    if len(zero) == 1:
        return Choice(zero[0], REFERENCE, zero[0])
    return Choice(levels[0], ARBITRARY)


def in_order(factor_words: Sequence[str], levels: Sequence[str]) -> list[str]:
    """Levels by quantity where all of them are one, else sorted."""
    numbers = quantities(factor_words, levels)
    return sorted(levels, key=lambda level: (numbers.get(level, 0.0), level))


@dataclass(frozen=True, slots=True)
class _Control:
    """The best control word of a level (empty: none), its tier, and whether the level says nothing else."""

    word: str
    tier: int
    pure: bool


def _control(level: str) -> _Control:
    joined = " ".join(_TOKEN.findall(level.lower()))
    for phrase, word in CONTROL_PHRASES.items():
        joined = re.sub(rf"(?<!\S){phrase}(?!\S)", word, joined)
    words = [
        part
        for word in joined.split()
        for part in ([word] if _tier(word) is not None else word.split("/"))
    ]
    found = [
        (tier, word)
        for i, word in enumerate(words)
        if (tier := _tier(word)) is not None and not (i and words[i - 1] in NEGATIONS)
    ]
    known = {word for _, word in found}
    pure = bool(found) and all(w in known or w in NEUTRAL or w.isdigit() for w in words)
    pure = pure and not re.search(r"[^\W_][+-]$", level)
    if not pure:
        found = [(tier, word) for tier, word in found if word not in ALONE_WORDS]
    tier, word = min(found, key=lambda one: one[0], default=(len(CONTROL_TIERS), ""))
    return _Control(word, tier, pure)


def _is_nothing(level: str) -> bool:
    """True for a time or dose of zero; stage P0 is a day of birth."""
    told = quantity(level)
    return (
        told is not None
        and told[0] == 0
        and bool({"time", "mass", "molarity"} & {*told[1].split()})
    )


def _tier(word: str) -> int | None:
    """Place of a control word in the tiers; None: it is none."""
    if CONTROL_RNA.fullmatch(word):
        return 0
    return next((tier for tier, known in enumerate(CONTROL_TIERS) if word in known), None)

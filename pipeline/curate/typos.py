"""Typing errors: a word one letter from another, and which of the two is a word."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache

from pipeline.curate.level_words import CONTROL_TIERS, PERTURBED, UNDONE
from pipeline.curate.quantity import quantities
from pipeline.curate.text import words

# A shorter word with one letter changed may well be another word.
MIN_LETTERS = 6


def _by_length(known: Collection[str]) -> dict[int, tuple[str, ...]]:
    long = [word for word in sorted(known) if len(word) >= MIN_LETTERS and word.isalpha()]
    return {n: tuple(word for word in long if len(word) == n) for n in {*map(len, long)}}


KNOWN_LEVELS = frozenset().union(*CONTROL_TIERS, PERTURBED)
_LEVELS = _by_length(frozenset().union(*CONTROL_TIERS[:4]) | {"knockout", "mutant"})
# Only the commonest names: a rarer one is too near to other words.
_KEYS = _by_length(
    {"treatment", "genotype", "condition", "phenotype", "infection", "disease", "stimulation"}
    | {"concentration", "developmental", "stimulus", "tissue", "strain"}
)


def one_typed(a: str, b: str) -> bool:
    """Whether one letter was left out, added or changed, or two neighbours were swapped."""
    if a == b or abs(len(a) - len(b)) > 1 or a[:1] != b[:1]:
        return False
    same = zip(a, b, strict=False)
    start = next((i for i, (x, y) in enumerate(same) if x != y), min(len(a), len(b)))
    rests = (
        (a[start + 1 :], b[start + 1 :]),
        (a[start:], b[start + 1 :]),
        (a[start + 1 :], b[start:]),
    )
    turned = b[start : start + 2][::-1]
    swapped = a[start : start + 2] == turned and a[start + 2 :] == b[start + 2 :]
    return any(x == y for x, y in rests) or swapped


@lru_cache(maxsize=65536)
def known_control(word: str) -> str:
    """The control word that this one is, but for a typing error; empty where there is none."""
    return "" if word in KNOWN_LEVELS else _nearest(word, _LEVELS)


@lru_cache(maxsize=4096)
def known_key(word: str) -> str:
    """The word of a column's name that this one is, but for a typing error."""
    return _nearest(word, _KEYS)


def _nearest(word: str, known: dict[int, tuple[str, ...]]) -> str:
    if len(word) < MIN_LETTERS - 1 or not word.isalpha():
        return ""
    near = {
        one
        for n in (len(word) - 1, len(word), len(word) + 1)
        for one in known.get(n, ())
        if one_typed(word, one)
    }
    return near.pop() if len(near) == 1 else ""


def typing_errors(values: Sequence[str]) -> dict[str, str]:
    """Levels one letter from another of more samples, and no words of their own.

    One of several samples is one only where what it is taken for is a word of ours; it may then be as
    frequent as that.
    """
    sizes = Counter(value for value in values if value)
    if len(sizes) < 2 or quantities((), sorted(sizes)):
        return {}
    bare = {level: re.sub(r"[\W_]+", "", level.lower()) for level in sizes}
    mended = {}
    for level, n in sorted(sizes.items()):
        near = [
            other
            for other, m in sizes.items()
            if max(len(bare[level]), len(bare[other])) >= MIN_LETTERS
            and one_typed(bare[level], bare[other])
            and not _says_other(level, other)
            and (
                (m > n == 1 and not _is_code(level, other)) or (m >= n and _is_known(level, other))
            )
        ]
        if len(near) == 1:
            mended[level] = near[0]
    return mended


def _is_code(a: str, b: str) -> bool:
    """Whether levels differ in a letter that tells one of several from another: `Compound A`, `Stat5a`."""
    own = [sorted({*words(one)} - {*words(other)}) for one, other in ((a, b), (b, a))]
    if len(own[0]) != 1 or len(own[1]) != 1:
        return False
    x, y = own[0][0], own[1][0]
    last = len(x) == len(y) and x[:-1] == y[:-1]
    return last or any(not c.isalpha() for c in x + y)


def _is_known(level: str, other: str) -> bool:
    """Whether what the other says in place of the level is a word of ours."""
    own = {*words(other)} - {*words(level)}
    return any(word in KNOWN_LEVELS or UNDONE.fullmatch(word) for word in own)


def _says_other(a: str, b: str) -> bool:
    """Whether two levels differ in a number, a sign, or a word that has a meaning."""
    digits = ["".join(c for c in text if not c.isalpha() and not c.isspace()) for text in (a, b)]
    if digits[0] != digits[1]:
        return True
    return bool(({*words(a)} - {*words(b)}) & KNOWN_LEVELS)

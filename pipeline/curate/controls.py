"""What single levels say of being a control: by their words, by their alleles, by what they lack."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.curate.level_words import (
    ALONE_WORDS,
    CONTROL_PHRASES,
    CONTROL_RNA,
    CONTROL_TIERS,
    HAVING,
    LACKING,
    NEGATIONS,
    NEUTRAL,
    ONLY_BESIDE,
    PERTURBED,
    UNDONE,
)
from pipeline.curate.quantity import quantity
from pipeline.curate.text import tidy, words
from pipeline.curate.typos import known_control

_HET = frozenset({"het", "heterozygous", "+/-", "-/+", "fl/+", "flox/+", "+/fl", "wt/ko"})
_SIGN = re.compile(
    r"(?:(?<=[^\W_])|^)\s*(?:(?P<no>-|\(-\)|neg|negative|low|lo)|(?P<yes>\+|\(\+\)|pos|positive|high|hi))$"
)
_NO_CRE = re.compile(r"cre[\s_]*(?:\(-\)|-(?![^\W_])|neg)|(?:no|without|non)[\s_-]*cre")
# From here on a control is told by its alleles.
_GENOTYPE_TIER = 3
_IGG = re.compile(r"igg\d?[abc]?")
_ALLELES = re.compile(r"(?<![^\W_])([a-z]{1,5}|[+-])/([a-z]{1,5}|[+-])(?![^\W_/])")
# "sh NC" is one word, as "siRNA" and "control" are not.
_RNA_OF = re.compile(r"(?<!\S)(sh|si|sg) (\S+)")
_LONGEST_FIRST = sorted(CONTROL_PHRASES, key=lambda phrase: (-len(phrase), phrase))
_PHRASES = re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, _LONGEST_FIRST))})(?!\S)")
_NOT_DONE = re.compile(r"(?:non|not|no|without)[\s_-]*([^\W_]+)")
# A control whatever stands beside it, and not before anything.
_STRONG = (0, 1, 2, 3, 4, 5)
_ALL_TIERS = tuple(range(len(CONTROL_TIERS)))


@dataclass(frozen=True, slots=True)
class Control:
    """The best control word of a level (empty: none), its tier, and whether the level says nothing else."""

    word: str
    tier: int
    pure: bool
    perturbed: bool


def control_of(
    level: str,
    tiers: Sequence[int] = _ALL_TIERS,
    common: Collection[str] = frozenset(),
    barred: Collection[str] = frozenset(),
) -> Control:
    """What a level says of being a control, beside the words that are `common` to all levels.

    Words that are `barred` mean something else here.
    """
    own = {*words(level)}
    return _control_of(level, tuple(tiers), frozenset(common) & own, frozenset(barred) & own)


def barred_words(said: Collection[str]) -> frozenset[str]:
    """Control words that are none in a column which says this, for lack of what they are controls of."""
    return frozenset(word for word, beside in ONLY_BESIDE.items() if not beside & {*said})


@lru_cache(maxsize=65536)
def _control_of(
    level: str, tiers: tuple[int, ...], common: frozenset[str], barred: frozenset[str]
) -> Control:
    told = words(level)
    joined = " ".join([word for word in told if word not in common] or told)
    joined = _PHRASES.sub(lambda found: CONTROL_PHRASES[found[0]], joined)
    joined = _RNA_OF.sub(r"\1\2", joined)
    tokens = [
        part
        for word in joined.split()
        for part in ([word] if _tier(word) is not None else re.split(r"[/+]", word))
        if part
    ]
    found = [
        (tier, word)
        for i, word in enumerate(tokens)
        if (tier := _tier(word)) is not None
        and tier in tiers
        and word not in barred
        and not (i and tokens[i - 1] in NEGATIONS)
        and not _is_turned_to(tokens, i, common)
    ]
    known = {word for _, word in found}
    pure = bool(found) and all(w in known or w in NEUTRAL or w.isdigit() for w in tokens)
    pure = pure and not re.search(r"[^\W_][+-]$", level)
    if not pure:
        found = [(tier, word) for tier, word in found if word not in ALONE_WORDS]
    tier, word = min(found, key=lambda one: one[0], default=(len(CONTROL_TIERS), ""))
    done = [w for i, w in enumerate(tokens) if w != word and not (i and tokens[i - 1] in NEGATIONS)]
    return Control(word, tier, pure, perturbed=any(w in PERTURBED for w in done))


def _is_turned_to(tokens: Sequence[str], place: int, common: frozenset[str]) -> bool:
    """Whether the word is what another state was turned into: `HFD to chow`."""
    before = common.union(tokens[: max(place - 1, 0)])
    return place > 0 and tokens[place - 1] == "to" and bool(before & (PERTURBED - NEUTRAL))


def best_of(found: list[str], controls: dict[str, Control]) -> list[str]:
    """Levels with the best tier; among equals those to which nothing else was done, then the shortest."""
    without_cre = [level for level in found if not _has_cre(level)]
    if without_cre and all(controls[level].tier >= _GENOTYPE_TIER for level in found):
        found = without_cre
    tier = min(controls[level].tier for level in found)
    best = [level for level in found if controls[level].tier == tier]
    if len(best) > 1:
        best = [level for level in best if not controls[level].perturbed] or best
    if len(best) > 1:
        inner = [a for a in best if all(set(words(a)) < set(words(b)) for b in best if b != a)]
        best = inner or best
    return best


def is_deleted(level: str, tier: int) -> bool:
    """Whether Cre has cut what is floxed."""
    return tier > _GENOTYPE_TIER and tier < _GENOTYPE_TIER + 3 and _has_cre(level)


def _has_cre(level: str) -> bool:
    return any(
        "cre" in word and word != "crenegative" for word in words(level)
    ) and not _NO_CRE.search(level.lower())


@lru_cache(maxsize=65536)
def _tier(word: str) -> int | None:
    """Place of a control word in the tiers; None: it is none."""
    if CONTROL_RNA.fullmatch(word):
        return 0
    found = next((tier for tier, known in enumerate(CONTROL_TIERS) if word in known), None)
    if found is not None:
        return found
    if UNDONE.fullmatch(word):
        return 1
    if _IGG.fullmatch(word):
        return 2
    meant = known_control(word)
    return next((tier for tier, known in enumerate(CONTROL_TIERS) if meant in known), None)


def zero_of(levels: Sequence[str]) -> tuple[str, str] | None:
    """The one level that is a time or dose of zero; stage P0 is a day of birth."""
    zero = []
    for level in levels:
        told = quantity(level)
        if told and told[0] == 0 and {"time", "mass", "molarity"} & {*told[1].split()}:
            zero.append(level)
    return (zero[0], zero[0]) if len(zero) == 1 else None


def lacking_of(levels: Sequence[str], rest: dict[str, str]) -> str | None:
    """The one level that is no, off, absent, where the column says what: `dox: -`."""
    lacking = [level for level in levels if tidy(rest[level]).lower() in LACKING]
    having = [level for level in levels if tidy(rest[level]).lower() in HAVING]
    if len(lacking) == 1 and (len(having) == len(levels) - 1 or len(lacking[0]) > 1):
        return lacking[0]
    return None


def negative_of(levels: Sequence[str]) -> tuple[str, str] | None:
    """Of two levels the one that says it has not what the other has: `Cre-`, `non-responder`, `no LPS`."""
    if len(levels) != 2:
        return None
    signs = [_SIGN.search(tidy(level).lower()) for level in levels]
    if all(signs):
        lacks = [bool(sign and sign["no"]) for sign in signs]
        if sum(lacks) == 1:
            level = levels[lacks.index(True)]
            return level, level
    for a, b in ((0, 1), (1, 0)):
        bare, other = (re.sub(r"[\W_]+", "", levels[k].lower()) for k in (a, b))
        found = re.fullmatch(r"(?:non|not|no|un|without|minus|w/?o|anti)?(.+)", bare)
        if found and found[1] != bare and found[1] in (other, *words(levels[b])):
            return levels[a], levels[a]
    return None


def undone_of(levels: Sequence[str]) -> str | None:
    """Of two levels the one that says "no" to a word of the other, which is no control: `no tumor`, `NSD`."""
    if len(levels) != 2:
        return None
    for a, b in (levels, levels[::-1]):
        if a == f"N{b}" and b.isalpha() and b.isupper() and not control_of(b, _STRONG).word:
            return a
        if found := _NOT_DONE.fullmatch(tidy(a).lower()):
            thing = found[1]
            said = (*words(b), re.sub(r"[\W_]+", "", b.lower()))
            if thing in said and thing not in NEUTRAL and not control_of(thing, _STRONG).word:
                return a
    return None


def unperturbed_of(levels: Sequence[str]) -> tuple[str, str] | None:
    """The one level without a word of what was done, where all others have one; or the half mutated."""
    if one := _half_mutated(levels):
        return one, "one allele of two"
    done = [level for level in levels if _is_perturbed(level) or _is_mutated(level)]
    rest = [level for level in levels if level not in done]
    if len(rest) == 1 and done and not NEGATIONS & {*words(rest[0])}:
        return rest[0], f"{rest[0]} is not {_perturbation(done[0])}"
    half = [level for level in levels if _HET & {*words(level)}]
    if len(half) == 1 and len(done) == len(levels):
        return half[0], next(word for word in words(half[0]) if word in _HET)
    return None


def _half_mutated(levels: Sequence[str]) -> str | None:
    """The one level with one allele changed where all others have both: `db/+` or `db/m` beside `db/db`."""
    pairs = {level: _ALLELES.search(level.lower()) for level in levels}
    if not all(pairs.values()):
        return None
    both = {found[1] for found in pairs.values() if found and found[1] == found[2]}
    half = [
        level
        for level, found in pairs.items()
        if found and found[1] != found[2] and both & {found[1], found[2]}
    ]
    return half[0] if len(half) == 1 and len(levels) == 2 else None


def _is_perturbed(level: str) -> bool:
    """Whether a word says that something was done, and none before it that it was not."""
    told = words(level)
    return any(
        word in PERTURBED and not (i and told[i - 1] in NEGATIONS) for i, word in enumerate(told)
    )


def _is_mutated(level: str) -> bool:
    return any(
        re.fullmatch(r"[^\W\d_]+\d*(?:ko|kd|null|mut|cre)|(?:sh|si|sg)[a-z]{2,}\d*", w)
        for w in words(level)
    )


def _perturbation(level: str) -> str:
    found = [word for word in words(level) if word in PERTURBED or _is_mutated(word)]
    return found[0] if found else level


def base_of(levels: Sequence[str]) -> tuple[str, str] | None:
    """The one level whose words all others have, and more."""
    sets = {level: {*words(level)} - NEUTRAL - {"model"} for level in levels}
    inner = [a for a in levels if sets[a] and all(sets[a] < sets[b] for b in levels if b != a)]
    return (inner[0], inner[0]) if len(inner) == 1 else None

"""Texts that tell several things, split into fields: `WT_LPS_24h`, `end stage KO`, `liver, fasted`."""

import re
from collections import Counter
from collections.abc import Sequence

from pipeline.curate.text import plain
from pipeline.curate.variables import codes_of, cross, n_classes

Fields = tuple[tuple[str, ...], ...]

# From signs that only separate to those that may also stand within a word.
_CUTS = (
    re.compile(r"\s*[,;|:()\[\]]+\s*|\s+-+\s+"),
    re.compile(r"[\s_,;|:()\[\]]+|\s-+\s|(?<=[^\W_])-(?=\d{1,3}(?:h|d|hr|w)\b)"),
    re.compile(r"[\s_,;|:()\[\]/.-]+|(?<=[^\s+])\+(?=[^\s+\-/_)])"),
    re.compile(r"[\s_,;|:()\[\]/.+-]+|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"),
)
_MAX_TOKENS = 12
_GAP = re.compile(r"[\s_,;|:/+-]+")
# A sign that stood between two fields.
_LOOSE = re.compile(r"^(?:[+&/-]|and|plus|with)\s+|\s+(?:[+&/-]|and|plus|with)$", re.IGNORECASE)


# A number and its unit are one word.
_UNIT = (
    r"(?:h|hrs?|hours?|min|mins|minutes?|s|sec|d|days?|w|wks?|weeks?|mo|mos|months?|y|yrs?|years?|dpi|hpi"
    r"|[munpk]?[gM]|mg/kg|%)"
)
_BEFORE_UNIT = re.compile(rf"(?<=\d)[\s_-]+(?={_UNIT}(?![^\W_])(?![\s_.-]*\d))", re.I)
_AFTER_WORD = re.compile(
    r"(?<![^\W_])(days?|d|weeks?|w|hours?|h|months?|time|t|passage)(?:[\s_.]+|[_.]*-)(?=\d)", re.I
)


def _glued(text: str) -> str:
    return _AFTER_WORD.sub(r"\1", _BEFORE_UNIT.sub("", text))


def split_fields(texts: Sequence[str]) -> Fields | None:
    """Fields (field,) of (text,) values, none constant, none telling the same as its neighbour.

    Texts are cut at the first kind of sign that gives more than one field that varies, else the one.
    Where the number of words differs, the first and the last are aligned, and what is between is one field.
    """
    texts = [_glued(text) for text in texts]
    one: Fields | None = None
    whole: Fields | None = None
    for place, cut in enumerate(_CUTS):
        tokens = [[t.strip("_") for t in cut.split(text) if t.strip("_")] for text in texts]
        fewest, most = min(map(len, tokens)), max(map(len, tokens))
        if fewest < 1 or most > _MAX_TOKENS:
            continue
        found = _joined(_aligned(tokens, fewest, most))
        if place == 3 and not all(
            any(len(t) > 1 and t.isalpha() for t in token) for token in tokens
        ):
            continue
        if len(found) > 1 and place == 0 and any(len(set(field)) == len(texts) for field in found):
            # A field that is different in every text may still hold one that is not.
            whole = found
            continue
        if len(found) > 1 and (place < 2 or n_classes(codes_of(map(plain, texts))) > 2):
            return found
        if len(found) == 1 and place < 2 and all(found[0]):
            one = found
    return whole or one


def _aligned(tokens: list[list[str]], fewest: int, most: int) -> Fields:
    """(field,) of (text,) tokens in one alignment of all texts, the one with fewest distinct tokens."""
    if fewest == most:
        return tuple(zip(*tokens, strict=True))
    best: tuple[int, int, Fields] | None = None
    for left in range(fewest + 1):
        right = fewest - left
        # What is between may be nothing: a field of its own, or it takes one word of either side.
        for first, last in {(left, right), (max(left - 1, 0), right), (left, max(right - 1, 0))}:
            columns = [tuple(t[i] for t in tokens) for i in range(first)]
            columns.append(tuple(" ".join(t[first : len(t) - last]) for t in tokens))
            columns += [tuple(t[len(t) - last + i] for t in tokens) for i in range(last)]
            cost = sum(len({plain(v) for v in column}) for column in _joined(tuple(columns)))
            if best is None or (cost, -first) < best[:2]:
                best = (cost, -first, tuple(columns))
    assert best is not None
    return best[2]


def _joined(columns: Fields) -> Fields:
    """Columns without constant ones; neighbours that tell the same are one."""
    columns = tuple(tuple(_LOOSE.sub("", value) for value in column) for column in columns)
    varying = [column for column in columns if len({plain(v) for v in column}) > 1]
    joined: list[tuple[str, ...]] = []
    for column in varying:
        codes = codes_of(map(plain, column))
        if joined and codes_of(map(plain, joined[-1])) == codes:
            joined[-1] = tuple(f"{a} {b}".strip() for a, b in zip(joined[-1], column, strict=True))
        else:
            joined.append(column)
    return tuple(tuple(_LOOSE.sub("", value) for value in column) for column in joined)


def split_crossed(levels: Sequence[str]) -> Fields | None:
    """Fields of the distinct levels of one column, where they are crossed: each of one with each of another.

    `end stage KO`, `end stage WT`, `onset KO`, `onset WT` are two fields. Half of the combinations must be
    there, and more levels than any field has.
    """
    if len(levels) < 4:
        return None
    levels = [_glued(level) for level in levels]
    for cut in _CUTS:
        tokens = [[t for t in cut.split(level) if t] for level in levels]
        fewest, most = min(map(len, tokens)), max(map(len, tokens))
        if fewest < 1 or most > _MAX_TOKENS:
            continue
        found = _crossed(_joined(_aligned(tokens, fewest, most)), len(levels))
        if found:
            return found
    return _two_halves(levels)


def _two_halves(levels: Sequence[str]) -> Fields | None:
    """Two fields of any number of words each, where every first half stands with every second."""
    cuts = [[(text[: m.start()], text[m.end() :]) for m in _GAP.finditer(text)] for text in levels]
    firsts = Counter(first for pairs in cuts for first in {first for first, _ in pairs})
    lasts = Counter(last for pairs in cuts for last in {last for _, last in pairs})
    halves = []
    for pairs in cuts:
        shared = [pair for pair in pairs if firsts[pair[0]] > 1 and lasts[pair[1]] > 1]
        if not shared:
            return None
        # The pair that most levels share on both sides, then the longest first half.
        halves.append(max(shared, key=lambda p: (firsts[p[0]] * lasts[p[1]], len(p[0]))))
    first, last = zip(*halves, strict=True)
    if len({*first}) > 1 and len({*last}) > 1 and len({*first}) * len({*last}) == len(levels):
        return first, last
    return None


def _crossed(fields: Fields, n_levels: int) -> Fields | None:
    """The fields, joined until they are crossed; None where no two are."""
    while len(fields) > 1:
        codes = [codes_of(map(plain, field)) for field in fields]
        sizes = [n_classes(c) for c in codes]
        full = 1
        for size in sizes:
            full *= size
        if (
            n_classes(cross(*codes)) == n_levels
            and max(sizes) < n_levels
            and n_levels >= 0.74 * full
        ):
            return fields
        # Join the neighbours that are least free of one another.
        worst = min(
            range(len(fields) - 1),
            key=lambda i: n_classes(cross(codes[i], codes[i + 1])) / (sizes[i] * sizes[i + 1]),
        )
        both = tuple(
            f"{a} {b}".strip() for a, b in zip(fields[worst], fields[worst + 1], strict=True)
        )
        fields = (*fields[:worst], both, *fields[worst + 2 :])
    return None

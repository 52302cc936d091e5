"""Numbers and letters that only tell replicates apart, in titles and names: found, and taken off."""

import re
from collections import Counter
from collections.abc import Sequence

from pipeline.curate.text import tidy

_MARK = (
    r"(?:(?:bio(?:l(?:ogical)?)?|tech(?:nical)?|independent|experimental)[\s_.-]*)?"
    r"(?:replicates?|repeat|rep|repl|sample|mouse|mice|animal|donor|library|lib|biorep|techrep|brep|trep)"
)
# Said in words, wherever it stands: "rep1", "biological replicate 2", "(mouse #3)".
_SAID = re.compile(
    rf"[\s_,.;:\-(\[]*(?<![^\W_]){_MARK}[\s_.#:\-]*(?:no\.?\s*)?(\d{{1,4}}|[a-h]|i{{1,3}}|iv)(?![^\W_])[\s)\]]*",
    re.IGNORECASE,
)
# In all texts only: in some it is the group beside the control.
_EXPERIMENT = re.compile(
    r"[\s_,.;:\-(\[]*(?<![^\W_])exp[\s_.#:\-]*(\d{1,4}|[a-h])(?![^\W_])[\s)\]]*", re.IGNORECASE
)
_HASH = re.compile(r"[\s_,.;:\-(\[]*#\s*(\d{1,4})[\s)\]]*")
_LETTER_N = re.compile(r"[\s_,.;:\-(\[]+(?:[nrms]|br|tr)[\s_.]?(\d{1,2})[\s)\]]*$", re.IGNORECASE)
_END_NUMBER = re.compile(r"[\s_\-.#(\[]+(\d{1,5})[)\]]*$")
_END_ATTACHED = re.compile(r"(?<=[^\W\d_])(\d{1,3})$|(?<=[)\]+-])(\d{1,3})$")
# Numbers of these are names: CD4, CD8; M0 beside M1 and M2, for no animal has the number 0.
_KIND_OF_CELL = re.compile(r"(?<![^\W\d_])(?:cd\d+|m0)$", re.IGNORECASE)
_END_LETTER = re.compile(r"(?:(?<=\d)|[\s_\-.(\[]+)([A-Ha-h])[)\]]*$")
_END_ROMAN = re.compile(r"[\s_\-.(\[]+(i{1,3}|iv|v)[)\]]*$", re.IGNORECASE)
_FRONT = re.compile(r"^(?:s|lib|rna|sample|no)?[\s_]?(\d{1,5})[\s_\-.:)]+", re.IGNORECASE)
# What follows a number that says when or how much.
_OF_UNIT = re.compile(
    r"[\s_-]*(?:h|hrs?|hours?|d|days?|w|wks?|weeks?|mo|months?|min|minutes?|dpi|hpi|mg|ug|nm|um)(?![^\W_])",
    re.IGNORECASE,
)
_WAYS = (
    _SAID,
    _HASH,
    _EXPERIMENT,
    _LETTER_N,
    _END_NUMBER,
    _END_ATTACHED,
    _END_LETTER,
    _END_ROMAN,
    _FRONT,
)
# A time before zero: "-24 h rep1".
_NEGATIVE = re.compile(r"-\d")
_EDGES = " _-.,;:(["
_UNIT = r"days?|d|hours?|hrs?|h|weeks?|wks?|w|months?|mo|min|dpi|hpi"
# A number after one of these says when or how much; one before is a unit's.
_MEASURE = re.compile(
    rf"(?:^|[^a-z])(?:{_UNIT}|e|p|zt|ct|t|time|dose|passage"
    r"|age|stage|phase|dpc)[\s_\-.]*$",
    re.IGNORECASE,
)
# A unit whose number stands before it: "4 h" of "4 h 1".
_MEASURED = re.compile(rf"(?<![^\W_])\d+(?:\.\d+)?[\s_-]+(?:{_UNIT})[\s_\-.]*$", re.IGNORECASE)


def without_replicates(texts: Sequence[str]) -> tuple[str, ...]:
    """Texts without what tells replicates apart, as far as it surely does.

    A number or letter is taken off if it is there in all texts, no two texts become the same with one
    number, and what is left makes groups.
    """
    left = tuple(tidy(text) for text in texts)
    for _ in range(2):
        for way in _WAYS:
            stripped = _strip(left, way)
            if stripped is not None:
                left = stripped
                break
        else:
            break
    return left


def _strip(texts: tuple[str, ...], way: "re.Pattern[str]") -> tuple[str, ...] | None:
    """Texts after one way of taking numbers off; None where they would not be replicates."""
    said = way in (_SAID, _HASH)
    bases, marks = [], []
    after_unit, signed = False, any(text.startswith("+") for text in texts)
    for text in texts:
        found = list(way.finditer(text)) if said else [m for m in [way.search(text)] if m]
        before = text[: found[0].start()] if found else ""
        of_measure = not said and way is not _FRONT and _MEASURE.search(before)
        measured = of_measure and _MEASURED.search(before)
        after_unit |= bool(measured)
        if not found or (of_measure and not measured):
            bases.append(text)
            marks.append("")
            continue
        if way is _FRONT and _OF_UNIT.match(text, found[0].end(1)):
            return None
        base = text
        for match in reversed(found):
            between = " " if match.start() > 0 and match.end() < len(base) else ""
            base = f"{base[: match.start()]}{between}{base[match.end() :]}"
        # What begins with a minus beside others with a plus, or is a number.
        negative = base.startswith("-") and (_NEGATIVE.match(text) or signed)
        bases.append(base.rstrip(_EDGES) if negative else base.strip(_EDGES))
        marks.append(" ".join(group.lower() for m in found for group in m.groups() if group))
    n_marked = sum(bool(mark) for mark in marks)
    if said:
        return tuple(bases) if n_marked and all(bases) else None
    if n_marked < len(texts) or not all(bases):
        return None
    pairs = Counter(zip(bases, marks, strict=True))
    sizes = Counter(bases)
    if max(pairs.values()) > 1 and len(set(texts)) == len(texts):
        return None
    if max(pairs.values()) > max(Counter(texts).values()):
        return None
    if way is _LETTER_N and any(mark.isdigit() and not int(mark) for mark in marks):
        # M0 again.
        return None
    if way is _END_ATTACHED and any(_KIND_OF_CELL.search(text) for text in texts):
        return None
    if len(pairs) == len(sizes):
        # One mark in all of each group is part of the group's name.
        return None
    replicated = sum(n for n in sizes.values() if n >= 2)
    if replicated < 0.6 * len(texts):
        return None
    if after_unit and not _in_a_row(bases, marks):
        return None
    if way is _END_ATTACHED and not _count_up(bases, marks):
        return None
    if way in (_END_LETTER, _END_ROMAN) and (len(sizes) < 2 or not _count_up(bases, marks)):
        return None
    return tuple(bases)


def _in_a_row(bases: Sequence[str], marks: Sequence[str]) -> bool:
    """Whether each base has the marks 1, 2, 3, … without a gap."""
    by_base: dict[str, set[int]] = {}
    for base, mark in zip(bases, marks, strict=True):
        by_base.setdefault(base, set()).add(int(mark) if mark.isdigit() else 0)
    return all(found == {n + 1 for n in range(len(found))} for found in by_base.values())


def _count_up(bases: Sequence[str], marks: Sequence[str]) -> bool:
    """Whether most bases have marks in a row: 1, 2, 3, or 4, 5, 6, or a, b, c."""
    by_base: dict[str, list[int]] = {}
    roman = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
    letters = any(mark in ("a", "b") for mark in marks)
    for base, mark in zip(bases, marks, strict=True):
        other = ord(mark[0]) if letters else roman.get(mark, 99)
        by_base.setdefault(base, []).append(int(mark) if mark.isdigit() else other)
    good = sum(len(n) for n in by_base.values() if max(n) - min(n) <= 2 * len(n))
    return good >= 0.7 * len(bases)

"""Levels that are times or doses: `Day0`, `24 h`, `10 mg/kg`, `3 days post injury`."""

import re
from collections.abc import Sequence

from pipeline.curate.words import QUANTITY_WORDS

_HOURS = {
    **dict.fromkeys(("s", "sec", "secs"), 1 / 3600),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 1 / 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "hpi", "zt"), 1.0),
    **dict.fromkeys(("d", "day", "days", "dpi"), 24.0),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks", "wpi"), 168.0),
    **dict.fromkeys(("mo", "month", "months"), 730.5),
    **dict.fromkeys(("y", "yr", "year", "years"), 8766.0),
}
_DOSES = {
    **{f"{prefix}g": ("mass", scale) for prefix, scale in (("", 1.0), ("k", 1e3))},
    **{
        f"{prefix}{unit}": (kind, scale)
        for unit, kind in (("g", "mass"), ("m", "molarity"))
        for prefix, scale in (
            ("m", 1e-3),
            ("u", 1e-6),
            ("µ", 1e-6),
            ("μ", 1e-6),
            ("n", 1e-9),
            ("p", 1e-12),
        )
    },
    **{unit: (unit, 1.0) for unit in ("gy", "%", "u", "iu", "x")},
}
_PARTS = re.compile(
    r"(?P<before>\D*?)[\s_-]*(?P<number>\d+(?:\.\d+)?)[\s_-]*(?P<unit>%|[^\W\d_]*)(?P<after>\D*)"
)


def quantities(factor_words: Sequence[str], levels: Sequence[str]) -> dict[str, float]:
    """Number of each level in one unit, where all levels are quantities of one kind; else empty.

    Bare numbers are quantities only in a column that is named after one.
    """
    found = {level: quantity(level) for level in levels}
    numbers = {level: one[0] for level, one in found.items() if one}
    # Nothing needs no unit: "0" is a dose among "10 mg" and "20 mg".
    kinds = {one[1] for one in found.values() if one and one != (0.0, "")}
    if len(numbers) < len(levels) or len(kinds) != 1:
        return {}
    if kinds == {""} and not QUANTITY_WORDS & set(factor_words):
        return {}
    return numbers


def quantity(level: str) -> tuple[float, str] | None:
    """Number of one level in its kind's basic unit, and the kind with all that the level says besides.

    Two levels are comparable where the kinds are equal. None: no quantity.
    """
    parts = _PARTS.fullmatch(" ".join(level.lower().split()))
    if not parts:
        return None
    number, unit = float(parts["number"]), parts["unit"]
    before, after = parts["before"].strip(" _-"), parts["after"].strip()
    if not before and not unit and not after:
        return number, ""
    if unit in _HOURS:
        return number * _HOURS[unit], f"{before} time {after}".strip()
    if unit in _DOSES:
        kind, scale = _DOSES[unit]
        return number * scale, f"{before} {kind} {after}".strip()
    *words, last = before.split() or [""]
    if last in _HOURS:
        return number * _HOURS[last], f"{' '.join(words)} time {unit}{after}".strip()
    if last in QUANTITY_WORDS | {"t", "e", "p"} and not unit and not after:
        return number, before
    return None

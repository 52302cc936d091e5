"""Levels that are times or doses: `Day0`, `24 h`, `10 mg/kg`, `3 days post injury`."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from pipeline.curate.column_words import AGE_WORDS, QUANTITY_WORDS

_HOURS = {
    **dict.fromkeys(("s", "sec", "secs"), 1 / 3600),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "m"), 1 / 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "hpi", "zt", "ct"), 1.0),
    **dict.fromkeys(("d", "day", "days", "dpi", "dpc"), 24.0),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks", "wpi"), 168.0),
    **dict.fromkeys(("mo", "mos", "month", "months"), 730.5),
    **dict.fromkeys(("y", "yr", "year", "years"), 8766.0),
}
# Units beside which "m" is a month.
_LONG = frozenset(unit for unit, hours in _HOURS.items() if hours >= 24)
_SHORT_MONTHS = re.compile(r"(?<![^\W_])(\d+(?:\.\d+)?[\s_-]*)m(?![^\W_])", re.IGNORECASE)
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
    **{
        unit: (unit, 1.0) for unit in ("gy", "cgy", "mgy", "%", "u", "iu", "x", "ppm", "ppb", "moi")
    },
}
_PARTS = re.compile(
    r"(?P<before>\D*?)[\s_-]*(?P<number>\d+(?:\.\d+)?)[\s_-]*(?P<unit>%|[^\W\d_]*)(?P<after>\D*)"
)
# "10-13 weeks" is 11.5 weeks.
_RANGE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:-|to)\s*(\d+(?:\.\d+)?)")
# After nothing, or a blank and a word for time; "LPS -24 h" is no time before LPS.
_MINUS = re.compile(r"(?:^|(?<=\s))-(?=\d)")
_NUMBERED = re.compile(r"(\d+(?:\.\d+)?)[\s_-]*(\D*)")
_DEVELOPMENT = ("e", "p", "embryonic", "postnatal")
_BIRTH = 19.0
# Days after conception of what has a name.
_STAGES = {"newborn": 19.0, "neonate": 20.0, "neonatal": 20.0, "weaning": 40.0, "adult": 110.0}


def _middle(found: "re.Match[str]") -> str:
    return str((float(found[1]) + float(found[2])) / 2)


def quantities(factor_words: Sequence[str], levels: Sequence[str]) -> dict[str, float]:
    """Number of each level in one unit, where all levels are quantities of one kind; else empty.

    Bare numbers are quantities only in a column that is named after one.
    """
    found = {level: quantity(text) for level, text in _months(factor_words, levels).items()}
    numbers = {level: one[0] for level, one in found.items() if one}
    # Nothing needs no unit: "0" is a dose among "10 mg" and "20 mg".
    kinds = {one[1] for one in found.values() if one and one != (0.0, "")}
    if QUANTITY_WORDS & set(factor_words) and (len(numbers) < len(levels) or len(kinds) != 1):
        return _with_one_unit(levels)
    if len(numbers) < len(levels) or len(kinds) != 1:
        return {}
    if kinds == {""} and not QUANTITY_WORDS & set(factor_words) and not _is_series(numbers):
        return {}
    return numbers


def _months(factor_words: Sequence[str], levels: Sequence[str]) -> dict[str, str]:
    """Text of each level, in which `3m` is 3 months where it is an age or stands beside days and weeks."""
    units = {
        parts["unit"] for level in levels if (parts := _PARTS.fullmatch(level.lower().strip()))
    }
    if "m" not in units or not (AGE_WORDS & {*factor_words} or units & _LONG):
        return {level: level for level in levels}
    return {level: _SHORT_MONTHS.sub(r"\1mo", level) for level in levels}


def _is_series(numbers: Mapping[str, float]) -> bool:
    """Whether bare numbers are amounts and no codes: from 0, or with decimals, or far apart."""
    values = sorted(numbers.values())
    if values == [0, 1] or len(values) < 2:
        return False
    decimals = any("." in level for level in numbers)
    return values[0] <= 0 or decimals or (len(values) > 2 and values[-1] >= 8 * values[0] > 0)


def _with_one_unit(levels: Sequence[str]) -> dict[str, float]:
    """Numbers of levels that are one and a unit of any kind, the same in all: `5 MOI`, `10 % v/v`."""
    parts = [_NUMBERED.fullmatch(level.strip()) for level in levels]
    if not all(parts) or len({part[2].strip() for part in parts if part and part[2].strip()}) != 1:
        return {}
    return {level: float(part[1]) for level, part in zip(levels, parts, strict=True) if part}


@lru_cache(maxsize=65536)
def quantity(level: str) -> tuple[float, str] | None:
    """Number of one level in its kind's basic unit, and the kind with all that the level says besides.

    Two levels are comparable where the kinds are equal. None: no quantity.
    """
    if told := _STAGES.get(level.strip().lower()):
        return told * 24, "development"
    text = _RANGE.sub(_middle, " ".join(level.lower().split()))
    parts = _PARTS.fullmatch(text)
    if not parts:
        return None
    number, unit = float(parts["number"]), parts["unit"]
    before, after = parts["before"].strip(" _-."), parts["after"].strip()
    if _MINUS.search(text) and (not before or before in (*_HOURS, "time", "t")):
        number = -number
    if not before and not unit and not after:
        return number, ""
    if unit in _HOURS:
        return number * _HOURS[unit], f"{before} time {after}".strip()
    if unit in _DOSES:
        kind, scale = _DOSES[unit]
        return number * scale, f"{before} {kind} {after}".strip()
    *words, last = re.split(r"[\s_-]+", before) if before else [""]
    name = next((w for w in (last, *words[-1:]) if w in _DEVELOPMENT), "")
    if name and f"{unit}{after}".strip("- ") in ("", "embryo", "embryos", "pups", "mice", "stage"):
        embryo = name in ("e", "embryonic")
        # Days after conception; a mouse is born on the nineteenth.
        days = number if embryo else number + _BIRTH
        return days * 24, "development"
    if last in _HOURS:
        return number * _HOURS[last], f"{' '.join(words)} time {unit}{after}".strip()
    if last in QUANTITY_WORDS | {"t", "passage", "moi"} and not unit and not after:
        return number, before
    return None


def natural_order(factor_words: Sequence[str], levels: Sequence[str]) -> list[str]:
    """Levels by quantity where all of them are one; else text, and the numbers in it by size."""
    numbers: Mapping[str, float] = quantities(factor_words, levels) or ranks(levels)
    return sorted(levels, key=lambda level: (numbers.get(level, 0.0), natural_key(level), level))


def natural_key(level: str) -> tuple[tuple[int, float, str], ...]:
    """Sort key that puts `day 9` before `day 10`, whatever the case."""
    parts = re.findall(r"\d+(?:\.\d+)?|\D+", level.lower())
    # Letters come before digits: "C57BL/6" before "129S1".
    return tuple((1, float(p), "") if p[0].isdecimal() else (0, 0.0, p) for p in parts)


_RANKS = (
    ("low", "medium", "high"),
    ("low", "intermediate", "high"),
    ("low", "moderate", "high"),
    ("low", "mid", "high"),
    ("mild", "moderate", "severe"),
    ("early", "mid", "late"),
    ("early", "middle", "late"),
    ("young", "adult", "old"),
    ("young", "adult", "aged"),
    ("young", "middle", "old"),
    ("young", "middle aged", "aged"),
    ("young", "middle aged", "old"),
    ("embryonic", "postnatal", "adult"),
    ("fetal", "neonatal", "adult"),
    ("neonatal", "juvenile", "adult"),
    ("before", "during", "after"),
    ("presymptomatic", "onset", "end stage"),
    ("pre symptomatic", "onset", "end stage"),
    ("presymptomatic", "symptomatic", "end stage"),
    ("acute", "subacute", "chronic"),
)

_RANKED = frozenset(word for order in _RANKS for word in order)


def ranks(levels: Sequence[str]) -> dict[str, int]:
    """Places of levels that are words with an order, `low` and `high`; else empty."""
    told = {level: re.sub(r"[\W_]+", " ", level.lower()).strip() for level in levels}
    if len(told) < 2 or not set(told.values()) <= _RANKED:
        return {}
    order = next((order for order in _RANKS if set(told.values()) <= {*order}), ())
    return {level: order.index(word) for level, word in told.items()} if order else {}

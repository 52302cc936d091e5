"""Texts as people write them: one spelling for what is written in many, and the words in it."""

import re
from functools import lru_cache

_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−﹣-", "-") | {"μ": "µ", "’": "'", "´": "'"})
# An underscore, blank or hyphen that does not keep two numbers or a sign apart.
_JOINT = re.compile(
    r"(?<=[^\W\d_])[\s_-]+(?=[^\W_])|(?<=\d)[\s_-]+(?=[^\W\d_])|(?<=\d)[\s_]+(?=[^\W_])"
)
_SAME = (
    (re.compile(r"wild[\s_-]*types?"), "wt"),
    (re.compile(r"knock[\s_-]*outs?"), "ko"),
    (re.compile(r"knock[\s_-]*down"), "kd"),
    (re.compile(r"knock[\s_-]*in(?![^\W_])"), "ki"),
    (re.compile(r"(?<![^\W_])(?:ctrls?|ctls?|cntrl|cntl|ctr|controls)(?![^\W\d_])"), "control"),
    (re.compile(r"(?<![^\W_])veh(?![^\W_])"), "vehicle"),
    (re.compile(r"(?<![^\W_])heterozyg(?:ous|ote)s?(?![^\W_])"), "het"),
    (re.compile(r"(?<![^\W_])homozyg(?:ous|ote)s?(?![^\W_])"), "hom"),
    (re.compile(r"(?<=\d)[\s_-]*(?:hours?|hrs?)(?![^\W_])"), "h"),
    (re.compile(r"(?<=\d)[\s_-]*days?(?![^\W_])"), "d"),
    (re.compile(r"(?<=\d)[\s_-]*(?:weeks?|wks?)(?![^\W_])"), "w"),
    (re.compile(r"(?<=\d)[\s_-]*(?:months?|mos?)(?![^\W_])"), "mo"),
    (re.compile(r"(?<=\d)[\s_-]*(?:minutes?|mins?)(?![^\W_])"), "min"),
)
# A minus, where a blank stands before it and a number after: "day -1".
_MINUS = re.compile(
    r"(?<![^\W\d_])(d(?:ays?)?|dpi|w(?:eeks?)?|wks?|h(?:ours?|rs?)?|hpi|mo(?:nths?)?|min(?:utes?)?|time|t)\s+-(?=\d)"
)
_ZERO = re.compile(r"(?<![^\W\d_])(d(?:ay)?|w(?:eek)?|h(?:our)?)[\s_]*0(?![^\W_])", re.IGNORECASE)
_TRIM = " \t.,;:_"
# Alleles stand apart from the gene that they are of: `Tet2+/+`, `Atg7fl/fl`.
_ALLELE = r"(?:flox|loxp|null|mut|fl|tg|wt|ko|f|y|[+-]|0)"
_ALLELES = re.compile(rf"({_ALLELE}/{_ALLELE})(?![^\W_])")
_WORD = re.compile(
    rf"{_ALLELE}/{_ALLELE}(?![^\W_])|[^\W\d_]*\d+\.\d+[^\W_]*%?|[^\W_]+/\d+[^\W_]*|[^\W_]+[+%]?(?![^\W_])|[^\W_]+|[+&]"
)


@lru_cache(maxsize=65536)
def tidy(cell: str) -> str:
    """A cell without what typing adds: kinds of dash and blank."""
    return " ".join(cell.translate(_DASHES).replace("\\,", ",").split())


def with_minus(values: tuple[str, ...]) -> tuple[str, ...]:
    """Values with a blank before what is a minus and no hyphen: `D-1` where there is a `D0`."""
    zero = next((found[1] for value in values if (found := _ZERO.search(value))), "")
    if not zero:
        return values
    hyphen = re.compile(rf"(?<![^\W\d_])({zero})-(?=[1-9])", re.IGNORECASE)
    return tuple(hyphen.sub(r"\1 -", value) for value in values)


@lru_cache(maxsize=65536)
def plain(level: str) -> str:
    """The same for spellings of the same: case, blanks, hyphens, `wild-type` and `WT`; signs stay."""
    text = _MINUS.sub(r"\1−", tidy(level).lower())
    for pattern, word in _SAME:
        text = pattern.sub(word, text)
    return _JOINT.sub("", text).strip(_TRIM)


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """Words of a text in lower case: letters and digits, `+/-`, `C57BL/6`, `2.5mg`."""
    return tuple(_WORD.findall(_ALLELES.sub(r" \1 ", tidy(text).lower())))

"""Columns of a sample table as variables: levels, missing cells, and what kind of thing a column tells."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.curate.words import (
    COVARIATE_WORDS,
    FACTOR_WORDS,
    MISSING,
    NUMBERED_WORDS,
    QUANTITY_WORDS,
    SUBJECT_WORDS,
    TECHNICAL_NAMES,
    TECHNICAL_WORDS,
    WHICH_WORDS,
)

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_KEYED = re.compile(r"([^:]{1,60}):\s+(.*)")


@dataclass(frozen=True, slots=True)
class Variable:
    """One column of a sample table.

    `levels` by sample, samples with a missing cell left out; `key` is what the column is about: its name,
    or in GEO's `characteristics` the word before the colon of every cell.
    """

    name: str
    key: str
    levels: dict[str, str]

    @property
    def sizes(self) -> dict[str, int]:
        """Number of samples of each level, levels sorted."""
        return dict(sorted(Counter(self.levels.values()).items()))

    @property
    def words(self) -> list[str]:
        """Words of the key."""
        return words_of(self.key)

    def replicated(self, at_least: int) -> list[str]:
        """Levels with enough samples, sorted."""
        return [level for level, n in self.sizes.items() if n >= at_least]

    def determines(self, other: "Variable") -> bool:
        """True where each level of this one lies in one of the other, and none is missing but there."""
        if not other.levels.keys() <= self.levels.keys():
            return False
        seen: dict[str, str | None] = {}
        return all(
            seen.setdefault(level, other.levels.get(sample)) == other.levels.get(sample)
            for sample, level in self.levels.items()
        )


def make_variables(samples: pd.DataFrame) -> list[Variable]:
    """The columns of a sample table, sorted by name."""
    variables = [_make_variable(str(name), samples[name]) for name in samples.columns]
    return sorted(variables, key=lambda variable: variable.name)


def why_not_factor(variable: Variable) -> str:
    """Why a column can't be taken for the factor unasked; empty: it can."""
    words = set(variable.words)
    sizes = variable.sizes
    likely = bool(words & set(FACTOR_WORDS))
    if not sizes:
        return "empty"
    if len(sizes) == 1:
        return "constant"
    if " ".join(variable.words) in TECHNICAL_NAMES or words & TECHNICAL_WORDS:
        return "technical"
    if len(sizes) == len(variable.levels) > 2 and not likely:
        return "different in every sample"
    if words & SUBJECT_WORDS and not words - SUBJECT_WORDS - WHICH_WORDS:
        return "a subject"
    if words & COVARIATE_WORDS:
        return "a covariate"
    if all(map(_NUMBER.fullmatch, sizes)) and not words & (QUANTITY_WORDS | NUMBERED_WORDS):
        return "a measurement"
    return ""


def words_of(name: str) -> list[str]:
    """Words of a column's name, lower case; GEO's `:ch1` and `ch1.2` and bare numbers left out."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][a-z]|ID\b)", " ", name)
    words = re.sub(r"[\W_]+", " ", spaced.lower()).split()
    return [word for word in words if not re.fullmatch(r"ch\d|\d+", word)]


def factor_priority(variable: Variable) -> tuple[int, int, str]:
    """Sort key among columns that tell the same: likeliest name first."""
    ranks = [FACTOR_WORDS.index(word) for word in variable.words if word in FACTOR_WORDS]
    return min(ranks, default=len(FACTOR_WORDS)), len(variable.name), variable.name


def _make_variable(name: str, column: "pd.Series[Any]") -> Variable:
    cells = {
        str(sample): " ".join(str(cell).split())
        for sample, cell in column.items()
        if pd.notna(cell)
    }
    key, cells = _keyed(name, cells) if "characteristics" in name.lower() else (name, cells)
    missing = MISSING - {"-"} if "+" in cells.values() else MISSING
    return Variable(
        name, key, {s: cell for s, cell in cells.items() if cell.lower() not in missing}
    )


def _keyed(name: str, cells: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Key and cells of a GEO column whose cells all read `key: value`; else its name and the cells."""
    parts = {sample: _KEYED.fullmatch(cell) for sample, cell in cells.items() if cell}
    keys = {found[1].lower() if found else "" for found in parts.values()}
    if len(keys) != 1 or "" in keys:
        return name, cells
    return keys.pop(), {sample: found[2] for sample, found in parts.items() if found}

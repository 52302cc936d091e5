"""A sample table as variables, each with its kind; GEO's own columns are read as what they are."""

import re
from collections.abc import Sequence
from functools import lru_cache

from pipeline.curate.column_words import IDENTIFIER, MISSING, TEXT
from pipeline.curate.kinds import ACCESSION, kind_of_column
from pipeline.curate.level_words import DIETS
from pipeline.curate.sheet import Sheet
from pipeline.curate.text import tidy, with_minus, words
from pipeline.curate.variables import Variable

TITLE, SOURCE_NAME, DESCRIPTION, NAME, COLUMN = (
    "title", "source_name", "description", "name", "column",
)  # fmt: skip
_TEXTS = {"title": TITLE, "source_name": SOURCE_NAME, "source name": SOURCE_NAME}
_KEYED = re.compile(r"([^:]{1,60}):\s+(.*)")
_WILD = re.compile(r"(?<![^\W_])(?:wt|wild[\s_-]*type|\+/\+|control|het)(?![^\W_])", re.IGNORECASE)


def read_variables(sheet: Sheet) -> list[Variable]:
    """The columns of a sample table and the samples' own names, sorted by name."""
    variables = [_named(sheet.names)]
    for name, cells in sheet.columns.items():
        values = with_minus(_without_missing(cells, words_of(name)))
        if "characteristics" in name.lower():
            variables += [_make(*column) for column in _by_key(name, values)]
        else:
            variables.append(_make(name, name, values))
    return sorted(variables, key=lambda variable: variable.name)


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """Words of a column's name, lower case; GEO's `:ch1` and `ch1.2` and bare numbers left out."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][a-z]|ID\b)", " ", name)
    found = re.sub(r"[\W_]+", " ", spaced.lower()).split()
    return tuple(word for word in found if not re.fullmatch(r"ch\d|\d+", word))


def _named(names: Sequence[str]) -> Variable:
    told = tuple("" if ACCESSION.fullmatch(name) else tidy(name) for name in names)
    told = with_minus(told)
    return Variable("(sample names)", ("sample", "name"), told, TEXT, NAME)


def _without_missing(values: tuple[str, ...], name: tuple[str, ...]) -> tuple[str, ...]:
    # Among "+" cells a "-" is a level.
    missing = MISSING - {"-"} if "+" in values else MISSING
    # And beside a wild type "null" is a genotype.
    if "null" in {value.lower() for value in values} and any(map(_WILD.search, values)):
        missing = missing - {"null"}
    # And "nd" is the normal diet, and not "not determined".
    if DIETS & {*name, *(word for value in values for word in words(value))}:
        missing = missing - {"nd"}
    return tuple("" if value.lower() in missing else value for value in values)


def _by_key(name: str, values: tuple[str, ...]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, key and values of the columns that GEO cells `key: value` hold, by the key of each cell."""
    parts = [_KEYED.fullmatch(value) for value in values]
    keys = sorted({part[1].strip().lower() for part in parts if part})
    if not keys:
        return [(name, name, values)]
    return [
        (
            # One key for all: the column has its own name, and is about its key.
            name if len(keys) == 1 else f"{name}: {key}",
            key,
            tuple(part[2] if part and part[1].strip().lower() == key else "" for part in parts),
        )
        for key in keys
    ]


def _make(name: str, key: str, values: tuple[str, ...]) -> Variable:
    bare = re.sub(r"(?:[_:]ch\d)?(?:\.\d+)?$", "", key.strip().lower())
    if bare in _TEXTS:
        return Variable(name, (bare,), values, TEXT, _TEXTS[bare])
    if bare == "description":
        return Variable(name, (bare,), _without_key(values), TEXT, DESCRIPTION)
    words = words_of(key)
    kind = kind_of_column(words, values)
    if kind == TEXT and len(set(values)) < len(values):
        # A name that several samples share is no name of a sample, and perhaps of an animal.
        kind = IDENTIFIER
    return Variable(name, words, values, kind, NAME if kind == TEXT else COLUMN)


def _without_key(values: tuple[str, ...]) -> tuple[str, ...]:
    """Texts without the `Sample name: ` that all of them begin with."""
    parts = [_KEYED.fullmatch(value) for value in values if value]
    if not parts or not all(parts) or len({part[1] for part in parts if part}) > 1:
        return values
    return tuple(value.partition(": ")[2] for value in values)

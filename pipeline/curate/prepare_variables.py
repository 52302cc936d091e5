"""The variables that the rules choose from: spellings and typing errors mended, packed columns unpacked."""

from pipeline.curate.column_words import (
    AGE,
    DISEASE,
    FACTOR_KINDS,
    GENOTYPE,
    GROUP,
    OTHER,
    STRAIN,
    TEXT,
    TIME,
    TISSUE,
    TREATMENT,
)
from pipeline.curate.curation import Journal
from pipeline.curate.fields import split_fields
from pipeline.curate.quantity import quantities
from pipeline.curate.replicates import without_replicates
from pipeline.curate.residual import without_others
from pipeline.curate.sheet import Sheet
from pipeline.curate.table import COLUMN, read_variables
from pipeline.curate.text import plain
from pipeline.curate.typos import typing_errors
from pipeline.curate.unpack import unpack_column, unpack_text
from pipeline.curate.variables import Variable, merge_spellings

# Kinds of columns that may tell more than one thing.
_PACKED = frozenset({GROUP, TREATMENT, GENOTYPE, DISEASE, OTHER, TISSUE, STRAIN, TEXT})


def make_variables(sheet: Sheet, journal: Journal) -> tuple[list[Variable], list[Variable]]:
    """Variables to choose from, and all that a person may name: those, and the columns as they are."""
    raw = _complemented(read_variables(sheet), journal)
    chosen: list[Variable] = []
    for variable in raw:
        if variable.kind == TEXT:
            chosen += (
                [_mended(v, journal) for v in unpack_text(variable)] if variable.levels else []
            )
        elif variable.kind in FACTOR_KINDS:
            bare = _without_replicates(variable, journal)
            mended = _without_constant(_mended(bare, journal))
            if _is_unique(mended):
                continue
            parts = unpack_column(mended)
            if len(parts) > 1:
                told = "; ".join(f"{v.name}: {', '.join(v.levels)}" for v in parts)
                journal.add("columns", f"{variable.name!r} tells {len(parts)} things: {told}")
            chosen += parts
        else:
            chosen.append(variable)
    chosen = [without_others(v, chosen) if v.kind in _PACKED else v for v in chosen]
    names = {v.name for v in chosen}
    return chosen, [*chosen, *(v for v in raw if v.name not in names)]


def _complemented(variables: list[Variable], journal: Journal) -> list[Variable]:
    """Columns that tell the same thing of different samples, as one."""
    open_to = [
        v for v in variables if v.kind in FACTOR_KINDS and v.source == COLUMN and v.n_missing
    ]
    gone: set[str] = set()
    joined: list[Variable] = []
    for i, a in enumerate(open_to):
        for b in open_to[i + 1 :]:
            if {a.name, b.name} & gone or not set(map(plain, a.levels)) & set(map(plain, b.levels)):
                continue
            pairs = list(zip(a.values, b.values, strict=True))
            if any(x and y for x, y in pairs) or len(a.levels) < 2:
                continue
            first, other = sorted((a, b), key=lambda v: FACTOR_KINDS.index(v.kind))
            journal.add("columns", f"{a.name!r} and {b.name!r} tell one thing of different samples")
            gone |= {a.name, b.name}
            joined.append(
                first.renamed(values=tuple(x or y for x, y in pairs), same_as=(other.name,))
            )
    return [*(v for v in variables if v.name not in gone), *joined]


def _is_unique(variable: Variable) -> bool:
    """Whether a column that is not surely a factor is different in every sample, or only measures it."""
    n = len(variable.levels)
    return variable.kind == OTHER and n == len(variable.values) > 2


def _without_replicates(variable: Variable, journal: Journal) -> Variable:
    """A column whose levels number the replicates, without the numbers."""
    n = len(variable.values)
    if (
        variable.kind not in _PACKED
        or len(variable.levels) < 0.8 * n
        or variable.n_missing
        or n < 4
    ):
        return variable
    bare = without_replicates(variable.values)
    if not 1 < len(set(bare)) <= n / 2:
        return variable
    journal.add(
        "columns", f"{variable.name!r} numbers replicates; its levels are {sorted(set(bare))}"
    )
    return variable.renamed(values=bare)


def _without_constant(variable: Variable) -> Variable:
    """An age that also tells a time, `10 wk old, 24 h post injury`, as that time."""
    if variable.kind != AGE or not variable.levels or quantities(variable.words, variable.levels):
        return variable
    fields = split_fields(variable.levels)
    if fields is None or len(fields) != 1 or not quantities((), sorted(set(fields[0]))):
        return variable
    place = dict(zip(variable.levels, fields[0], strict=True))
    values = tuple(place[v] if v else "" for v in variable.values)
    return variable.renamed(values=values, kind=TIME)


def _mended(variable: Variable, journal: Journal) -> Variable:
    values, merged = merge_spellings(variable.values)
    typed = typing_errors(values) if variable.source == COLUMN else {}
    if typed:
        values = tuple(typed.get(value, value) for value in values)
    for wrong, right in sorted({**merged, **typed}.items()):
        if variable.source == COLUMN:
            journal.add("levels", f"{wrong!r} of {variable.name!r} is read as {right!r}")
    return variable.renamed(values=values) if merged or typed else variable

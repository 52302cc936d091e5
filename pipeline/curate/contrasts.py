"""From axes to groups and contrasts: each varies one factor with all else equal."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from pipeline.curate.axes import is_quantity, is_stratum
from pipeline.curate.curation import ARBITRARY, ORDERED, REFERENCE, ContrastPlan, Factor, Journal
from pipeline.curate.quantity import natural_key, natural_order
from pipeline.curate.reference import Choice, choose_reference, reference_of
from pipeline.curate.text import words
from pipeline.curate.variables import Variable

Cell = tuple[str, ...]
# What adds one thing to another; the sign of an allele or a marker does not.
_AND = re.compile(r"\s\+\s|(?<=[^\W_])\+(?=[^\W_])|&|(?<![^\W_])(?:plus|and|with)(?![^\W_])", re.I)
# What a level is called that is not told where it can't be: the dose of no drug.
NOTHING = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """Groups as cells of levels, one an axis; `names` of the cells, `factors` of the axes."""

    axes: tuple[Variable, ...]
    factors: tuple[Factor, ...]
    names: dict[Cell, str]
    certainty: float
    tied: bool = False


def merge_nested(axes: Sequence[Variable], journal: Journal) -> list[Variable]:
    """Axes with a control that has a level of its own on another axis joined into one axis.

    Uninfected mice are all of day 0, and none of the infected is: infection and day are then one axis,
    whose reference is the uninfected.
    """
    merged = list(axes)
    again = True
    while again:
        again = False
        for a, b in _ordered_pairs(merged):
            reference = reference_of(a)
            if reference.direction == ARBITRARY or len(a.levels) < 2:
                continue
            if _is_nested(a, b, reference.level):
                both = _join(a, b, reference.level)
                journal.add(
                    "factors",
                    f"{a.name!r} and {b.name!r} are one axis: {reference.level!r} has a level of "
                    f"{b.name!r} that nothing else has",
                )
                merged = [v for v in merged if v is not a and v is not b] + [both]
                again = True
                break
    return merged


def _ordered_pairs(axes: Sequence[Variable]) -> list[tuple[Variable, Variable]]:
    return [
        (a, b) for a in axes for b in axes if a is not b and not is_stratum(a) and not is_stratum(b)
    ]


def _is_nested(a: Variable, b: Variable, reference: str) -> bool:
    """Whether the reference of `a` has exactly one level of `b`, which no other level of `a` has."""
    with_reference = {y for x, y in zip(a.values, b.values, strict=True) if x == reference}
    others = {y for x, y in zip(a.values, b.values, strict=True) if x not in (reference, "")}
    return len(with_reference) == 1 and len(others) > 0 and not with_reference & others


def _join(a: Variable, b: Variable, reference: str) -> Variable:
    values = tuple(
        "" if not x else x if x == reference or not y else f"{x} {y}"
        for x, y in zip(a.values, b.values, strict=True)
    )
    return a.renamed(name=f"{a.name} + {b.name}", words=(*a.words, *b.words), values=values)


def make_factor(variable: Variable, choice: Choice, levels: Sequence[str]) -> Factor:
    """An axis with its reference."""
    return Factor(
        name=variable.name,
        kind=variable.kind,
        levels=tuple(levels),
        reference=choice.level,
        direction=choice.direction,
        word=choice.word,
        same_as=variable.same_as,
    )


def cells_of(axes: Sequence[Variable]) -> list[Cell]:
    """(sample,) the cell of each sample."""
    return list(zip(*(axis.values for axis in axes), strict=True))


def name_cells(cells: Sequence[Cell]) -> dict[Cell, str]:
    """Names of cells that read well and are unique: levels joined by dots."""
    distinct = sorted(set(cells))
    for mark in (".", " | ", " :: "):
        names = {c: mark.join(x for x in c if x) or "none" for c in distinct}
        if len(set(names.values())) == len(names):
            return names
    return {cell: f"{names[cell]} {i}" for i, cell in enumerate(distinct, start=1)}


def make_contrasts(
    grid: Grid, sizes: Counter[Cell], min_replicates: int, *, all_pairs: bool
) -> list[ContrastPlan]:
    """All simple contrasts: on each axis, within each combination of the other axes' levels."""
    cells = [cell for cell, n in sizes.items() if n >= min_replicates]
    found: list[ContrastPlan] = []
    compared = [i for i, axis in enumerate(grid.axes) if not is_stratum(axis)] or list(
        range(len(grid.axes))
    )
    for i in compared:
        contexts: dict[Cell, list[str]] = {}
        for cell in sorted(cells):
            contexts.setdefault(cell[:i] + cell[i + 1 :], []).append(cell[i])
        for context, levels in sorted(contexts.items(), key=_naturally):
            if len(levels) > 1:
                found += _in_context(grid, i, context, levels, all_pairs=all_pairs)
    return found


def bases_of(level: str, levels: Sequence[str], choice: Choice) -> list[str]:
    """What a level is compared with: the reference, or what it adds to, as `KO + gene` to `KO`."""
    told = {*words(level)}
    if choice.direction != REFERENCE or not _AND.search(level):
        return [choice.level]
    within = [
        other for other in levels if other not in (level, choice.level) and {*words(other)} < told
    ]
    largest = [b for b in within if not any({*words(b)} < {*words(c)} for c in within)]
    return largest or [choice.level]


def _naturally(item: tuple[Cell, list[str]]) -> list[object]:
    return [natural_key(level) for level in item[0]]


def _in_context(
    grid: Grid, i: int, context: Cell, levels: list[str], *, all_pairs: bool
) -> list[ContrastPlan]:
    """Contrasts on one axis, all else equal."""
    axis, factor = grid.axes[i], grid.factors[i]
    levels = natural_order(axis.words, levels)
    choice = Choice(factor.reference, factor.direction, factor.word)
    if factor.reference not in levels or factor.direction == ARBITRARY:
        choice = choose_reference(axis.kind, axis.words, levels)
        if choice.direction == ARBITRARY and factor.direction != ARBITRARY:
            # The control is elsewhere: these are compared with nothing here.
            return []
        if choice.direction == ORDERED and not is_quantity(axis):
            return []
    pairs = [
        (level, base)
        for level in levels
        if level != choice.level
        for base in bases_of(level, levels, choice)
    ]
    if all_pairs and choice.direction == ARBITRARY:
        pairs = [(b, a) for a, b in combinations(levels, 2)]
    stratum = ", ".join(
        f"{other.name} = {level}"
        for other, level in zip(
            [a for k, a in enumerate(grid.axes) if k != i], context, strict=True
        )
        if level
    )

    def cell(level: str) -> Cell:
        return (*context[:i], level, *context[i:])

    return [
        ContrastPlan(
            test=grid.names[cell(test)],
            reference=grid.names[cell(reference)],
            direction=choice.direction,
            factor=axis.name,
            stratum=stratum,
            reference_word=choice.word,
        )
        for test, reference in pairs
    ]

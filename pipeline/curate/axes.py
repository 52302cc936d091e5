"""The axes of a study: the few variables whose crossing makes its groups."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.curate.column_words import (
    AGE,
    DISEASE,
    FACTOR_KINDS,
    GENOTYPE,
    GROUP,
    QUANTITIES,
    SEX,
    STRAIN,
    TEXT,
    TISSUE,
    TREATMENT,
)
from pipeline.curate.curation import ARBITRARY, REFERENCE, Journal
from pipeline.curate.quantity import quantities
from pipeline.curate.reference import reference_of
from pipeline.curate.settings import CurateSettings
from pipeline.curate.table import COLUMN, DESCRIPTION, NAME, SOURCE_NAME, TITLE
from pipeline.curate.variables import (
    Codes,
    Variable,
    covered,
    cross,
    determines,
    n_classes,
    n_replicated,
)

SOURCES = (COLUMN, SOURCE_NAME, DESCRIPTION, TITLE, NAME)
# Share of the samples that must stand in replicated groups.
_MIN_COVERAGE = 2 / 3
# A variable must not cost the others more than this share of their samples.
_MIN_KEPT = 0.8
# Ages that differ by less are no ages to compare.
_AGE_RATIO = 1.4


# What is equal on both sides of a contrast, if it divides the samples.
_HELD = frozenset({TISSUE, STRAIN, TREATMENT, GENOTYPE, DISEASE})


@dataclass(slots=True)
class Axes:
    """What is compared: `axes` cross to the partition `codes`; `left` vary but are no axes."""

    axes: list[Variable]
    codes: Codes
    left: list[Variable] = field(default_factory=list)
    redundant: list[Variable] = field(default_factory=list)


def find_axes(variables: Sequence[Variable], settings: CurateSettings, journal: Journal) -> Axes:
    """Choose axes: columns before texts, what was done before what samples are, and the rest in order.

    A variable is taken if the crossing with those before it keeps most samples in replicated groups.
    """
    chosen = Axes([], (0,) * _n(variables))
    distinct = _distinct([v for v in variables if v.kind in FACTOR_KINDS], journal)
    plain_kinds = [v for v in distinct if v.kind not in (AGE, SEX)]
    for variable in sorted((v for v in plain_kinds if v.source == COLUMN), key=_rank):
        _try(chosen, variable, settings, journal)
    for source in SOURCES[1:]:
        for variable in sorted((v for v in plain_kinds if v.source == source), key=_rank):
            of_others = [v for v in chosen.axes if _text_of(v) != _text_of(variable)]
            if of_others and not _adds_surely(chosen, variable, settings):
                chosen.left.append(variable)
                continue
            _try(chosen, variable, settings, journal)
    for kind in (AGE, SEX):
        for variable in sorted((v for v in distinct if v.kind == kind), key=_rank):
            if (
                kind == AGE and (not chosen.axes or _is_age_factor(variable, chosen, settings))
            ) or (kind == SEX and not chosen.axes):
                _try(chosen, variable, settings, journal)
            else:
                chosen.left.append(variable)
    _drop_redundant(chosen, journal)
    return chosen


def _text_of(variable: Variable) -> str:
    """The column that a field is of."""
    return variable.name.partition("[")[0]


def _n(variables: Sequence[Variable]) -> int:
    return len(variables[0].values) if variables else 0


def _rank(variable: Variable) -> tuple[int, int, int, int, str]:
    """Sort key: likeliest first."""
    return (
        SOURCES.index(variable.source),
        FACTOR_KINDS.index(variable.kind),
        len(variable.levels),
        len(variable.name),
        variable.name,
    )


def _distinct(variables: Sequence[Variable], journal: Journal) -> list[Variable]:
    """One variable for each partition, the likeliest, with the names of those that tell the same."""
    alike: dict[Codes, list[Variable]] = {}
    for variable in sorted(variables, key=_rank):
        if len(variable.levels) > 1 or (variable.levels and variable.n_missing):
            alike.setdefault(variable.codes, []).append(variable)
    kept = []
    for twins in alike.values():
        first, *others = _likeliest_first(twins)
        for other in others:
            journal.add("columns", f"{other.name!r} tells the same as {first.name!r}")
            if first.n_missing and not other.n_missing:
                # What the likelier one leaves out, the other says.
                first = _with_untold(first, other)
        names = tuple(other.name for other in others)
        first = first.renamed(same_as=(*first.same_as, *names))
        # One level and nothing else tells no groups.
        if len(first.levels) > 1:
            kept.append(_with_hint(first, others))
    return kept


def _likeliest_first(twins: list[Variable]) -> list[Variable]:
    """Variables that tell the same: of one source first those with a reference, then whole ones."""
    if len(twins) == 1:
        return twins

    def doubt(variable: Variable) -> tuple[int, bool, bool]:
        unsure = reference_of(variable).direction == ARBITRARY
        return SOURCES.index(variable.source), unsure, "[" in variable.name

    return sorted(twins, key=lambda variable: (*doubt(variable), *_rank(variable)))


def _with_hint(variable: Variable, others: Sequence[Variable]) -> Variable:
    """A variable without a reference, with that of another which tells the same."""
    if not others or reference_of(variable).direction != ARBITRARY:
        return variable
    for other in others:
        choice = reference_of(other)
        if choice.direction == REFERENCE and not other.n_missing:
            pairs = zip(variable.values, other.values, strict=True)
            level = next(own for own, theirs in pairs if theirs == choice.level)
            return variable.renamed(hint=(level, choice.word))
    return variable


def _try(chosen: Axes, variable: Variable, settings: CurateSettings, journal: Journal) -> bool:
    """Take a variable if it splits the groups and leaves most samples with replicates."""
    new = cross(chosen.codes, variable.codes)
    if n_classes(new) == n_classes(chosen.codes):
        chosen.redundant.append(variable)
        return False
    before = covered(chosen.codes, settings.min_replicates) if chosen.axes else 0.0
    share = covered(new, settings.min_replicates)
    told = f"{variable.name!r} ({len(variable.levels)} levels, {variable.kind})"
    if (
        share < max(_MIN_COVERAGE, _MIN_KEPT * before)
        or n_replicated(new, settings.min_replicates) < 2
    ):
        journal.add(
            "factors",
            f"{told} is not taken: it leaves {share:.0%} of the samples in groups of "
            f"{settings.min_replicates} or more",
        )
        chosen.left.append(variable)
        return False
    journal.add(
        "factors",
        f"{told} is taken: {n_classes(new)} groups, {share:.0%} of the samples replicated",
    )
    chosen.axes.append(variable)
    chosen.codes = new
    return True


def _adds_surely(chosen: Axes, variable: Variable, settings: CurateSettings) -> bool:
    """Whether a text tells a factor that the columns do not, beyond doubt."""
    if variable.kind in (TEXT, GROUP):
        return False
    new = cross(chosen.codes, variable.codes)
    return covered(new, max(2, settings.min_replicates)) >= 0.95


def _is_age_factor(variable: Variable, chosen: Axes, settings: CurateSettings) -> bool:
    """Whether ages are so far apart, and so well crossed with the factors, that they were meant."""
    numbers = quantities(variable.words, variable.levels)
    if not numbers or min(numbers.values()) <= 0:
        return False
    if max(numbers.values()) < _AGE_RATIO * min(numbers.values()):
        return False
    return covered(cross(chosen.codes, variable.codes), max(2, settings.min_replicates)) >= 0.95


def _drop_redundant(chosen: Axes, journal: Journal) -> None:
    """Keep as few axes as cross to the same groups; composites go first, then the coarse ones."""

    def composite_first(variable: Variable) -> tuple[int, int]:
        return (-len(variable.levels), -SOURCES.index(variable.source))

    for variable in sorted(chosen.axes, key=composite_first):
        rest = [v for v in chosen.axes if v.name != variable.name]
        if rest and determines(cross(*(v.codes for v in rest)), chosen.codes):
            chosen.axes = rest
            chosen.redundant.append(variable)
            names = " and ".join(repr(v.name) for v in rest)
            journal.add("factors", f"{variable.name!r} says no more than {names}")
    for coarse in chosen.redundant:
        chosen.axes = [_filled(v, coarse) for v in chosen.axes]
    for coarse in list(chosen.redundant):
        if any(_must_hold(coarse, axis) for axis in chosen.axes):
            chosen.axes.append(coarse)
            chosen.redundant.remove(coarse)
            journal.add("factors", f"{coarse.name!r} is held equal in every contrast")


def _must_hold(coarse: Variable, axis: Variable) -> bool:
    """Whether levels of an axis may only be compared within those of a variable that they divide.

    So it is with tissues, and with a factor whose reference has several of the axis' levels.
    """
    if coarse.n_missing or coarse.kind not in _HELD or coarse.source not in (COLUMN, SOURCE_NAME):
        return False
    if len(axis.levels) <= len(coarse.levels) or not determines(axis.codes, coarse.codes):
        return False
    if is_stratum(coarse):
        return not is_stratum(axis) and not is_quantity(axis)
    choice = reference_of(coarse)
    if choice.direction == ARBITRARY or reference_of(axis).direction == ARBITRARY:
        return False
    pairs = zip(axis.values, coarse.values, strict=True)
    return len({fine for fine, level in pairs if level == choice.level}) > 1


def _filled(fine: Variable, coarse: Variable) -> Variable:
    """A variable that is not told of some samples, with what another says of just these."""
    if not fine.n_missing or not determines(fine.codes, coarse.codes):
        return fine
    levels = {c for f, c in zip(fine.values, coarse.values, strict=True) if not f}
    if (
        len(levels) != 1
        or "" in levels
        or levels & {c for f, c in zip(fine.values, coarse.values, strict=True) if f}
    ):
        return fine
    return _with_untold(fine, coarse)


def _with_untold(variable: Variable, other: Variable) -> Variable:
    """A variable with another's level where it tells nothing."""
    pairs = list(zip(variable.values, other.values, strict=True))
    levels = {theirs for own, theirs in pairs if not own}
    return variable.renamed(
        values=tuple(own or theirs for own, theirs in pairs),
        untold=levels.pop() if len(levels) == 1 else "",
    )


def in_reading_order(axes: Sequence[Variable]) -> list[Variable]:
    """Axes as their levels stand in a group's name: what was done first, or as their column has them."""
    if len({_text_of(axis) for axis in axes}) == 1:
        return sorted(axes, key=lambda axis: axis.name)
    return sorted(axes, key=lambda axis: (FACTOR_KINDS.index(axis.kind), axis.name))


def is_stratum(variable: Variable) -> bool:
    """Whether a variable tells what samples are of, within which the others are compared."""
    return variable.kind in (TISSUE, STRAIN)


def is_quantity(variable: Variable) -> bool:
    """Whether the levels of a variable have an order."""
    return variable.kind in QUANTITIES

"""From a sample table to one factor, its groups, and the contrasts between them, or why there are none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.curate.reference import (
    ARBITRARY,
    REFERENCE,
    Choice,
    choose_reference,
    in_order,
)
from pipeline.curate.variables import (
    Variable,
    factor_priority,
    make_variables,
    why_not_factor,
)
from pipeline.curate.words import FACTOR_WORDS
from pipeline.sources.refusal import Refusal

# A column whose replicated levels hold fewer of the samples does not tell the groups of the study.
_MIN_COVERAGE = 2 / 3
_SHOWN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class CurateSettings:
    """What the user says of a study, and what a factor found without help must have."""

    factor: str | None = None
    reference: str | None = None
    min_replicates: int = 2
    max_levels: int = 6

    def __post_init__(self) -> None:
        if self.min_replicates < 1:
            raise ValueError(f"min_replicates must be at least 1, got {self.min_replicates}")
        if self.max_levels < 2:
            raise ValueError(f"max_levels must be at least 2, got {self.max_levels}")


@dataclass(frozen=True, slots=True)
class ContrastPlan:
    """One comparison: logfc is test − reference; `direction` is reference, ordered or arbitrary."""

    test: str
    reference: str
    direction: str


@dataclass(frozen=True, slots=True)
class Curation:
    """What is compared in a study.

    `groups` gives the level of each used sample, `unused` the reason of each other one. `reference` is
    None where no level is a control or the smallest quantity; `reference_word` is what told it.
    """

    factor: str
    reference: str | None
    reference_word: str
    groups: dict[str, str]
    unused: dict[str, str]
    contrasts: tuple[ContrastPlan, ...]
    flags: tuple[str, ...]


def curate(
    samples: pd.DataFrame, settings: CurateSettings, excluded: Mapping[str, str] | None = None
) -> Curation:
    """Choose the factor and plan the contrasts of every other level with the reference.

    Parameters
    ----------
    samples
        One row a sample, indexed by the sample's name; the order of rows and columns plays no part.
    excluded
        Samples that can't be used whatever the table says (no counts, say), with the reason.

    Raises
    ------
    Refusal
        No column, or more than one, can be the factor, or fewer than two groups are left.
    """
    if not samples.index.is_unique:
        raise ValueError("the index of samples must name each sample once")
    excluded = dict(excluded or {})
    usable = samples.loc[[sample not in excluded for sample in samples.index]]
    if len(usable) < 2:
        raise Refusal(
            "too_few_samples",
            f"the study has {len(usable)} usable sample{'s' * (len(usable) != 1)}; a comparison needs two",
        )
    variables = make_variables(usable)
    if settings.factor is None:
        variable, same_as = _find_factor(variables, len(usable), settings)
    else:
        variable, same_as = _named_factor(variables, settings.factor), []
    kept = variable.replicated(settings.min_replicates)
    _check_groups(variable, kept, settings)
    choice = _choose(variable, kept, settings)
    groups = {s: level for s, level in sorted(variable.levels.items()) if level in kept}
    unused = excluded | {
        str(s): _why_unused(variable.levels.get(str(s)), variable)
        for s in usable.index
        if str(s) not in groups
    }
    return Curation(
        factor=variable.name,
        reference=None if choice.direction == ARBITRARY else choice.level,
        reference_word=choice.word,
        groups=groups,
        unused=dict(sorted(unused.items())),
        contrasts=tuple(
            ContrastPlan(level, choice.level, choice.direction)
            for level in in_order(variable.words, kept)
            if level != choice.level
        ),
        flags=_flags(variable, kept, choice, same_as),
    )


def _named_factor(variables: Sequence[Variable], name: str) -> Variable:
    """The column that the settings name, in its own case or else in any."""
    exact = [variable for variable in variables if variable.name == name]
    found = exact or [v for v in variables if v.name.casefold() == name.casefold()]
    if len(found) != 1:
        raise Refusal(
            "unknown_factor",
            f"the sample table has no column {name!r}; set factor to one of "
            f"{', '.join(repr(v.name) for v in variables)}",
        )
    return found[0]


def _find_factor(
    variables: Sequence[Variable], n_samples: int, settings: CurateSettings
) -> tuple[Variable, list[str]]:
    """The one column that tells groups, or the finest of several; and columns that tell the same."""
    open_to = [v for v in variables if not why_not_factor(v)]
    grouping = [v for v in open_to if _has_groups(v, n_samples, 2)]
    if not grouping and settings.min_replicates == 1:
        grouping = [v for v in open_to if _has_groups(v, n_samples, 1)]
    if not grouping:
        raise _no_factor(variables, open_to)
    distinct: list[Variable] = []
    same_as: dict[str, list[str]] = {}
    for variable in sorted(grouping, key=factor_priority):
        twin = next((v for v in distinct if _same_partition(v, variable)), None)
        if twin is None:
            distinct.append(variable)
        else:
            same_as.setdefault(twin.name, []).append(variable.name)
    finest = [v for v in distinct if all(v.determines(other) for other in distinct)]
    if len(finest) != 1:
        told = "; ".join(sorted(f"{v.name!r} ({_counted(v)})" for v in distinct))
        raise Refusal(
            "several_factors",
            f"{len(distinct)} columns could be the factor: {told}; set factor to one of them, or add "
            "a column that joins them",
        )
    if len(finest[0].sizes) > settings.max_levels:
        raise Refusal(
            "too_many_levels",
            f"column {finest[0].name!r} has {len(finest[0].sizes)} levels, more than "
            f"{settings.max_levels}; set factor to it if it is the factor, or raise max_levels",
        )
    return finest[0], same_as.get(finest[0].name, [])


def _has_groups(variable: Variable, n_samples: int, min_replicates: int) -> bool:
    kept = variable.replicated(min_replicates)
    covered = sum(variable.sizes[level] for level in kept)
    return len(kept) >= 2 and covered >= _MIN_COVERAGE * n_samples


def _no_factor(variables: Sequence[Variable], open_to: Sequence[Variable]) -> Refusal:
    """Why no column tells groups."""
    if open_to:
        told = "; ".join(f"{v.name!r} ({_counted(v)})" for v in open_to)
        return Refusal(
            "no_replicates",
            f"no column has two levels of at least two samples that cover the study: {told}; set "
            "factor, and min_replicates to 1 to get fold changes without tests",
        )
    done = FACTOR_WORDS.index("time")
    same = [v for v in variables if len(v.sizes) == 1 and factor_priority(v)[0] < done]
    if same:
        return Refusal(
            "one_condition",
            f"all samples have one level of {same[0].name!r} ({_counted(same[0])}), and no other "
            "column tells groups; there is nothing to compare",
        )
    why = "; ".join(f"{v.name!r} is {why_not_factor(v)}" for v in variables[:_SHOWN])
    return Refusal(
        "no_factor",
        f"no column of the sample table tells groups of samples: {why or 'it has no columns'}; set "
        "factor to one that does, or add it",
    )


def _check_groups(variable: Variable, kept: Sequence[str], settings: CurateSettings) -> None:
    if len(variable.sizes) < 2:
        raise Refusal(
            "one_condition",
            f"all usable samples have one level of {variable.name!r} "
            f"({_counted(variable) or 'no value at all'}); there is nothing to compare",
        )
    if len(kept) < 2:
        raise Refusal(
            "no_replicates",
            f"fewer than two levels of {variable.name!r} have {settings.min_replicates} samples "
            f"({_counted(variable)}); set min_replicates to 1 to get fold changes without tests",
        )


def _choose(variable: Variable, kept: Sequence[str], settings: CurateSettings) -> Choice:
    if settings.reference is None:
        return choose_reference(variable.words, kept)
    if settings.reference not in kept:
        raise Refusal(
            "unknown_reference",
            f"{variable.name!r} has no level {settings.reference!r} with {settings.min_replicates} "
            f"samples; it has {_counted(variable)}",
        )
    return Choice(settings.reference, REFERENCE, settings.reference)


def _why_unused(level: str | None, variable: Variable) -> str:
    return f"no value of {variable.name}" if level is None else f"too few samples of {level}"


def _flags(
    variable: Variable, kept: Sequence[str], choice: Choice, same_as: Sequence[str]
) -> tuple[str, ...]:
    """Cautions, none with a comma."""
    flags = [f"same_as:{name.replace(',', ' ')}" for name in same_as]
    if choice.tied:
        flags.append("ambiguous_reference")
    if len(kept) < len(variable.sizes):
        flags.append("unreplicated_levels")
    if min(variable.sizes[level] for level in kept) < 2:
        flags.append("no_replicates")
    if len({level.casefold() for level in kept}) < len(kept):
        flags.append("levels_differ_by_case")
    return tuple(flags)


def _same_partition(a: Variable, b: Variable) -> bool:
    return a.determines(b) and b.determines(a)


def _counted(variable: Variable) -> str:
    """Levels and their numbers of samples, the first few."""
    told = [f"{level} × {n}" for level, n in variable.sizes.items()]
    return ", ".join(told[:_SHOWN]) + (" …" if len(told) > _SHOWN else "")

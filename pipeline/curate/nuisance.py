"""What varies beside the factors: which of it the model could adjust for."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pipeline.curate.adjust import Adjustment, choose_adjustment
from pipeline.curate.axes import Axes, is_stratum
from pipeline.curate.column_words import (
    AGE,
    BATCH,
    GENOTYPE,
    SEX,
    STRAIN,
    SUBJECT,
)
from pipeline.curate.curation import ContrastPlan, Journal
from pipeline.curate.settings import StudyDesign
from pipeline.curate.table import COLUMN
from pipeline.curate.variables import Variable, determines
from pipeline.sources.refusal import Refusal

# What an animal has one of, and whom such a column numbers.
_OF_ANIMALS = (GENOTYPE, STRAIN, SEX, AGE)
_ANIMALS = frozenset({"animal", "animals", "mouse", "mice", "rat", "eartag"})


def adjust(
    groups: Sequence[str],
    planned: Sequence[ContrastPlan],
    variables: Sequence[Variable],
    axes: Axes,
    kept: Sequence[int],
    design: StudyDesign,
    journal: Journal,
) -> Adjustment:
    """Covariates and block of the samples in `kept`: those that a person names, else those that vary.

    Raises
    ------
    Refusal
        The design names a column that is not there.
    """
    used = {v.name for v in axes.axes}
    subset = {v.name: only(v, kept) for v in variables if v.name not in used}
    paired: list[Variable] = []
    if design.covariates is None:
        covariates = _sexes_and_batches(subset, [only(v, kept) for v in axes.axes])
        covariates.sort(key=lambda pair: (pair[0].kind != SEX, pair[0].name))
        paired = [v for v in axes.left if is_stratum(v) and _is_paired(groups, only(v, kept))]
        covariates += [
            (only(v, kept), True) for v in axes.left if v not in paired and _may_disturb(v)
        ]
    else:
        covariates = [(_by_name(subset, name), False) for name in design.covariates]
    if design.block is None:
        told = [only(v, kept) for v in axes.axes if v.kind in _OF_ANIMALS]
        blocks = [
            _each_once(v, told, journal) if _ANIMALS & {*v.words} else v
            for v in subset.values()
            if v.kind == SUBJECT
        ]
        blocks += [only(v, kept) for v in paired]
        blocks.sort(key=lambda v: (v.source != COLUMN, v.name))
    else:
        blocks = [_by_name(subset, design.block)] if design.block else []
    return choose_adjustment(groups, planned, covariates, blocks, journal)


def _each_once(subject: Variable, told: Sequence[Variable], journal: Journal) -> Variable:
    """Animals by number and genotype where each genotype numbers its own: no animal has two."""
    for axis in told:
        if not determines(subject.codes, axis.codes) and not subject.n_missing:
            journal.add(
                "blocks", f"{subject.name!r} numbers the animals of each {axis.name!r} anew"
            )
            both = zip(subject.values, axis.values, strict=True)
            subject = subject.renamed(values=tuple(f"{a} of {b}" for a, b in both))
    return subject


def _sexes_and_batches(
    subset: Mapping[str, Variable], axes: Sequence[Variable]
) -> list[tuple[Variable, bool]]:
    """Sexes and batches that no axis tells already, each once, columns first."""
    known = {axis.codes for axis in axes if axis.kind == SEX}
    found = []
    for variable in sorted(subset.values(), key=lambda v: (v.source != COLUMN, v.name)):
        if variable.kind in (SEX, BATCH) and variable.codes not in known:
            known.add(variable.codes)
            found.append((variable, True))
    return found


def _is_paired(groups: Sequence[str], variable: Variable) -> bool:
    """Whether each level has one sample of each group, as cell lines have that were treated and not."""
    pairs = Counter(zip(groups, variable.values, strict=True))
    full = len(set(groups)) * len(variable.levels)
    return variable.source == COLUMN and len(pairs) == full == len(groups)


def _may_disturb(variable: Variable) -> bool:
    """Whether a column that is no axis tells of groups all the same, and each of several samples."""
    if variable.source != COLUMN or variable.kind in (SEX, AGE):
        return False
    return all(n >= 2 for n in variable.sizes.values()) and len(variable.levels) <= 6


def _by_name(variables: Mapping[str, Variable], name: str) -> Variable:
    if name not in variables:
        known = ", ".join(map(repr, variables)) or "none"
        raise Refusal(
            "unknown_column",
            f"the sample table has no column {name!r} to adjust for; it has {known}",
        )
    return variables[name]


def only(variable: Variable, kept: Sequence[int]) -> Variable:
    """The variable on some of its samples."""
    return variable.renamed(values=tuple(variable.values[place] for place in kept))

"""Why a study can't be compared, in one sentence with the cure."""

from collections import Counter
from collections.abc import Sequence

from pipeline.curate.adjust import Adjustment
from pipeline.curate.axes import Axes
from pipeline.curate.column_words import (
    DISEASE,
    FACTOR_KINDS,
    GENOTYPE,
    GROUP,
    MEASURED,
    TEXT,
    TREATMENT,
)
from pipeline.curate.curation import ContrastPlan
from pipeline.curate.settings import CurateSettings
from pipeline.curate.table import COLUMN
from pipeline.curate.variables import Variable
from pipeline.sources.refusal import Refusal

_SHOWN = 8
# Where such a column is the same for all, one thing was done to all.
_DONE = (GROUP, TREATMENT, GENOTYPE, DISEASE)
_ANYWAY = "set factor, and min_replicates to 1 to get fold changes without tests"


def no_axes_refusal(variables: Sequence[Variable], axes: Axes, settings: CurateSettings) -> Refusal:
    """Why no variable tells groups."""
    left = [v for v in axes.left if v.kind != TEXT and v.source == COLUMN] or [
        v for v in axes.left if len(v.levels) < len(v.values)
    ]
    if left:
        told = "; ".join(f"{v.name!r} ({counted(v)})" for v in left[:_SHOWN])
        return Refusal(
            "no_replicates",
            f"no variable has two levels of at least {settings.min_replicates} samples that cover the "
            f"study: {told}; {_ANYWAY}",
        )
    same = [v for v in variables if len(v.levels) == 1 and v.kind in _DONE]
    if same:
        likeliest = min(same, key=lambda v: (FACTOR_KINDS.index(v.kind), v.name))
        return Refusal(
            "one_condition",
            f"all samples have one level of {likeliest.name!r} ({counted(likeliest)}), and nothing else "
            "tells groups; there is nothing to compare",
        )
    columns = [v for v in variables if v.source == COLUMN]
    why = "; ".join(f"{v.name!r} is {_why_not(v)}" for v in columns[:_SHOWN])
    return Refusal(
        "no_factor",
        f"nothing tells groups of samples: {why or 'the sample table has no columns'}; add a column that "
        "does, or give the groups in a design",
    )


def few_groups_refusal(
    axes: Sequence[Variable], sizes: Counter[tuple[str, ...]], settings: CurateSettings
) -> Refusal:
    """Fewer than two groups are left."""
    name = " × ".join(v.name for v in axes)
    told = ", ".join(f"{'.'.join(x for x in cell if x)} × {n}" for cell, n in sorted(sizes.items()))
    if len(sizes) < 2:
        return Refusal(
            "one_condition",
            f"all usable samples have one level of {name!r} ({told or 'no value at all'}); there is "
            "nothing to compare",
        )
    return Refusal(
        "no_replicates",
        f"fewer than two levels of {name!r} have {settings.min_replicates} samples ({told}); set "
        "min_replicates to 1 to get fold changes without tests",
    )


def no_contrast_refusal(axes: Sequence[Variable], sizes: Counter[tuple[str, ...]]) -> Refusal:
    """Groups are there, and no two of them differ in one thing."""
    told = ", ".join(".".join(x for x in cell if x) for cell in sorted(sizes))
    return Refusal(
        "mixed_factors",
        f"no two groups differ in one of {' and '.join(repr(v.name) for v in axes)} alone ({told}); give "
        "the contrasts in a design",
    )


def confounded_refusal(contrasts: Sequence[ContrastPlan], adjusted: Adjustment) -> Refusal:
    """All contrasts go with a batch."""
    first = contrasts[0]
    return Refusal(
        "confounded",
        f"{first.test} vs {first.reference} can't be told from {adjusted.confounded[first]!r}, and so with "
        "every other contrast; give covariates = [] in a design to compare all the same",
    )


def counted(variable: Variable) -> str:
    """Levels and their numbers of samples, the first few."""
    told = [f"{level} × {n}" for level, n in variable.sizes.items()]
    return ", ".join(told[:_SHOWN]) + (" …" if len(told) > _SHOWN else "")


def _why_not(variable: Variable) -> str:
    if not variable.levels:
        return "empty"
    if len(variable.levels) == 1:
        return "constant"
    if variable.kind == MEASURED:
        return "a measurement"
    if variable.kind in FACTOR_KINDS:
        return "different in every sample"
    return {"technical": "technical", "subject": "a subject", "batch": "a batch"}.get(
        variable.kind, f"of kind {variable.kind}"
    )

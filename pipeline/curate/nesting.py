"""Levels that lie within those of another factor: animals, clones, lines, and what to do about them."""

from pipeline.curate.axes import Axes
from pipeline.curate.column_words import DISEASE, GENOTYPE, OTHER, TEXT, TREATMENT
from pipeline.curate.curation import ARBITRARY, REFERENCE, Journal
from pipeline.curate.reference import reference_of
from pipeline.curate.refuse import counted
from pipeline.curate.table import COLUMN
from pipeline.curate.variables import Variable, cross, determines
from pipeline.sources.refusal import Refusal


def check_nesting(axes: Axes, journal: Journal) -> None:
    """Give a factor with a reference its place back from an axis without one that only divides it.

    Where it is not known what divides it, these are taken for animals or clones, and the factor is the
    axis.

    Raises
    ------
    Refusal
        They are groups, cells or strains of their own: it is not sure what should be compared.
    """
    for fine in list(axes.axes):
        if _choice(fine) != ARBITRARY:
            continue
        coarse = next((v for v in axes.redundant if _is_divided(v, fine)), None)
        if coarse is None:
            continue
        if fine.kind not in (OTHER, TEXT):
            raise Refusal(
                "several_factors",
                f"{fine.name!r} ({counted(fine)}) divides {coarse.name!r} ({counted(coarse)}), and "
                "none of its levels is a reference; set factor to one of them",
            )
        journal.add(
            "factors", f"{fine.name!r} only divides {coarse.name!r}, which is compared in its place"
        )
        axes.axes = [coarse if v.name == fine.name else v for v in axes.axes]
        axes.codes = cross(*(v.codes for v in axes.axes))


def _is_divided(coarse: Variable, fine: Variable) -> bool:
    """Whether a column with a reference has levels that each hold some of another's."""
    return (
        coarse.source == COLUMN
        and coarse.kind in (TREATMENT, GENOTYPE, DISEASE)
        and len(coarse.levels) < len(fine.levels)
        and determines(fine.codes, coarse.codes)
        and _choice(coarse) == REFERENCE
    )


def _choice(variable: Variable) -> str:
    return reference_of(variable).direction

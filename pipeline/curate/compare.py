"""From axes to a curation: groups, references, contrasts, what is adjusted for, and how sure it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.curate.adjust import Adjustment
from pipeline.curate.axes import Axes, in_reading_order, is_stratum
from pipeline.curate.column_words import (
    DISEASE,
    DOSE,
    GENOTYPE,
    GROUP,
    TIME,
    TREATMENT,
)
from pipeline.curate.confidence import weigh
from pipeline.curate.contrasts import (
    Cell,
    Grid,
    cells_of,
    make_contrasts,
    make_factor,
    merge_nested,
    name_cells,
)
from pipeline.curate.curation import Curation, Journal
from pipeline.curate.nesting import check_nesting
from pipeline.curate.nuisance import adjust, only
from pipeline.curate.overrule import (
    check_reference,
    overruled_reference,
    read_contrasts,
)
from pipeline.curate.quantity import natural_order
from pipeline.curate.reference import Choice, reference_of
from pipeline.curate.refuse import (
    confounded_refusal,
    few_groups_refusal,
    no_contrast_refusal,
)
from pipeline.curate.settings import CurateSettings, StudyDesign
from pipeline.curate.table import COLUMN
from pipeline.curate.variables import Variable
from pipeline.sources.refusal import Refusal

# Columns on what was done, which may leave out the samples to which nothing was.
_DONE = frozenset({TREATMENT, GENOTYPE, DISEASE, GROUP, DOSE, TIME})


@dataclass(frozen=True, slots=True)
class Usable:
    """Samples that a study could compare: `names` and `variables` (sample,) of one row each, `unused` the
    others with the reason, `summed` what is added to each."""

    names: list[str]
    variables: Sequence[Variable]
    unused: dict[str, str]
    summed: dict[str, tuple[str, ...]]


def compare(
    usable: Usable, axes: Axes, settings: CurateSettings, design: StudyDesign, journal: Journal
) -> Curation:
    """Groups, contrasts and adjustment on the axes that were chosen."""
    merged = axes.axes
    if not (design.factors or design.groups or settings.factor):
        _check_untold(axes, settings)
        check_nesting(axes, journal)
        merged = in_reading_order(merge_nested(axes.axes, journal))
    cells = cells_of(merged)
    kept, why_not = _placed(usable.names, cells, merged, settings)
    names = [usable.names[place] for place in kept]
    held = Counter(cells[place] for place in kept)
    merged = [only(v, kept) for v in merged]
    grid = _grid(merged, [cells[place] for place in kept], settings, design)
    groups = [grid.names[cells[place]] for place in kept]
    if design.contrasts:
        planned = read_contrasts(design.contrasts, groups)
    else:
        planned = make_contrasts(grid, held, settings.min_replicates, all_pairs=settings.all_pairs)
    if not planned:
        raise no_contrast_refusal(merged, held)
    adjusted = adjust(groups, planned, usable.variables, axes, kept, design, journal)
    contrasts = [c for c in planned if c not in adjusted.confounded]
    if not contrasts:
        raise confounded_refusal(planned, adjusted)
    _tell(grid, adjusted, journal)
    unused = {**usable.unused, **why_not}
    ingredients = weigh(merged, grid, len(kept) / len(usable.names), axes, adjusted)
    curation = Curation(
        factors=grid.factors,
        groups=dict(zip(names, groups, strict=True)),
        unused=dict(sorted(unused.items())),
        contrasts=tuple(contrasts),
        summed={name: usable.summed[name] for name in names},
        covariates={
            column: dict(zip(names, values, strict=True))
            for column, values in adjusted.covariates.items()
        },
        block_name=adjusted.block_name,
        block=dict(zip(names, adjusted.block, strict=True)) if adjusted.block else {},
        flags=_flags(axes, grid, adjusted, unused, held),
        ingredients=ingredients,
        overruled=design.said,
    )
    sure = curation.confidence
    return replace(
        curation, contrasts=tuple(replace(c, confidence=sure) for c in curation.contrasts)
    )


def _placed(
    names: Sequence[str],
    cells: Sequence[Cell],
    axes: Sequence[Variable],
    settings: CurateSettings,
) -> tuple[list[int], dict[str, str]]:
    """Places of the samples in groups that are large enough, and why the others are in none.

    Raises
    ------
    Refusal
        Fewer than two groups are left, or too many.
    """
    told = [_is_told(cell, cells) for cell in cells]
    sizes = Counter(cell for cell, ok in zip(cells, told, strict=True) if ok)
    kept: list[int] = []
    unused = {}
    for place, (cell, ok) in enumerate(zip(cells, told, strict=True)):
        if not ok:
            missing = next(v.name for v, level in zip(axes, cell, strict=True) if not level)
            unused[names[place]] = f"no value of {missing}"
        elif sizes[cell] < settings.min_replicates:
            unused[names[place]] = f"too few samples of {'.'.join(x for x in cell if x)}"
        else:
            kept.append(place)
    n_groups = len({cells[place] for place in kept})
    if n_groups < 2:
        raise few_groups_refusal(axes, sizes, settings)
    if n_groups > settings.max_groups:
        raise Refusal(
            "too_many_levels",
            f"{' × '.join(v.name for v in axes)} makes {n_groups} groups, more than "
            f"{settings.max_groups}; name a factor, or raise max_groups",
        )
    return kept, unused


def _tell(grid: Grid, adjusted: Adjustment, journal: Journal) -> None:
    """Write down the references, and the contrasts that are left out."""
    for factor in grid.factors:
        word = f" by {factor.word!r}" if factor.word else ""
        journal.add("reference", f"{factor.name!r}: {factor.direction} {factor.reference!r}{word}")
    for contrast, name in adjusted.confounded.items():
        journal.add(
            "contrasts",
            f"{contrast.test} vs {contrast.reference} is left out: it can't be told from {name!r}",
        )


def _check_untold(axes: Axes, settings: CurateSettings) -> None:
    """Refuse a study whose column says what was done, and nothing of samples that may be the controls."""
    if len(axes.axes) != 1 or axes.axes[0].source != COLUMN:
        return
    axis = axes.axes[0]
    n = axis.n_missing
    if axis.kind in _DONE and n >= max(2, settings.min_replicates) and n >= 0.15 * len(axis.values):
        raise Refusal(
            "no_factor",
            f"{axis.name!r} tells nothing of {n} samples, which may be the controls; give the groups "
            "in a design",
        )


def _is_told(cell: Cell, cells: Sequence[Cell]) -> bool:
    """Whether a sample has a level on every axis, or lacks one that all samples like it lack."""
    if all(cell):
        return True
    present = [i for i, level in enumerate(cell) if level]
    if not present:
        return False
    like = [other for other in cells if all(other[i] == cell[i] for i in present)]
    return all(not any(other[i] for other in like) for i in range(len(cell)) if not cell[i])


def _grid(
    merged: Sequence[Variable],
    cells: Sequence[Cell],
    settings: CurateSettings,
    design: StudyDesign,
) -> Grid:
    """Axes with their references, and names of their cells."""
    factors = []
    certainty, tied = 1.0, False
    check_reference(merged, design)
    only_strata = all(is_stratum(variable) for variable in merged)
    for variable in merged:
        levels = natural_order(variable.words, variable.levels)
        said = overruled_reference(variable, levels, settings, design)
        choice = Choice(said, "reference", said) if said else reference_of(variable)
        if only_strata or not is_stratum(variable):
            certainty, tied = min(certainty, choice.certainty), tied or bool(choice.tied)
        factors.append(make_factor(variable, choice, levels))
    return Grid(tuple(merged), tuple(factors), name_cells(cells), certainty, tied)


def _flags(
    axes: Axes,
    grid: Grid,
    adjusted: Adjustment,
    unused: Mapping[str, str],
    held: Mapping[Cell, int],
) -> tuple[str, ...]:
    """Cautions, none with a comma."""
    flags = [f"same_as:{n.replace(',', ' ')}" for v in axes.axes for n in v.same_as]
    flags += adjusted.flags
    if any(why.startswith("too few samples") for why in unused.values()):
        flags.append("unreplicated_levels")
    if min(held.values()) < 2:
        flags.append("no_replicates")
    if grid.tied:
        flags.append("ambiguous_reference")
    if adjusted.confounded:
        flags.append("confounded_contrasts")
    if any(v.source != "column" for v in axes.axes):
        flags.append("factor_from_text")
    return tuple(dict.fromkeys(flags))

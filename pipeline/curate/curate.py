"""From a sample table to factors, groups and contrasts, with the reasoning, or why there are none."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from pipeline.curate.axes import find_axes
from pipeline.curate.compare import Usable, compare
from pipeline.curate.curation import Curation, Journal
from pipeline.curate.keep import technical_replicates, unusable_samples
from pipeline.curate.overrule import (
    design_variables,
    resolve_samples,
    resolve_settings,
)
from pipeline.curate.prepare_variables import make_variables
from pipeline.curate.refuse import (
    no_axes_refusal,
)
from pipeline.curate.settings import CurateSettings, StudyDesign
from pipeline.curate.sheet import Sheet, read_sheet
from pipeline.sources.refusal import Refusal

NO_DESIGN = StudyDesign()


def curate(
    samples: pd.DataFrame,
    settings: CurateSettings,
    excluded: Mapping[str, str] | None = None,
    design: StudyDesign = NO_DESIGN,
    journal: Journal | None = None,
) -> Curation:
    """Find what is compared in a study.

    Parameters
    ----------
    samples
        One row a sample, indexed by the sample's name; the order of rows and columns plays no part.
    excluded
        Samples that can't be used whatever the table says (no counts, say), with the reason.
    design
        What a person says of the study; it overrules what would be found.
    journal
        Where the reasoning is written down, also that of a refusal.

    Raises
    ------
    Refusal
        Nothing can be compared, or it is not sure what.
    """
    sheet = read_sheet(samples)
    journal = Journal() if journal is None else journal
    settings = resolve_settings(settings, design)
    unused = _unused(sheet, settings, excluded or {}, design, journal)
    usable = sheet.select(name for name in sheet.names if name not in unused)
    usable, summed = technical_replicates(usable, journal)
    names = list(usable.names)
    if len(names) < 2:
        told = f" ({', '.join(_counted(unused))})" if unused else ""
        raise Refusal(
            "too_few_samples",
            f"the study has {len(names)} usable sample{'s' * (len(names) != 1)}{told}; a comparison needs "
            "two",
        )
    variables, named = make_variables(usable, journal)
    if design.groups or settings.factor or design.factors:
        axes = design_variables(named, names, settings, design, journal)
    else:
        axes = find_axes(variables, settings, journal)
    if not axes.axes:
        raise no_axes_refusal(variables, axes, settings)
    return compare(Usable(names, named, unused, summed), axes, settings, design, journal)


def _counted(unused: Mapping[str, str]) -> list[str]:
    """How many samples play no part, for each reason."""
    return [f"{n} {why}" for why, n in sorted(Counter(unused.values()).items())]


def _unused(
    sheet: Sheet,
    settings: CurateSettings,
    excluded: Mapping[str, str],
    design: StudyDesign,
    journal: Journal,
) -> dict[str, str]:
    """Samples that play no part, with the reason."""
    unused = unusable_samples(sheet, settings.organism or "")
    unused |= dict.fromkeys(resolve_samples(sheet, design.leave_out), "left out by the design")
    unused |= excluded
    if unused:
        journal.add("samples", f"left out: {'; '.join(_counted(unused))}")
    return unused

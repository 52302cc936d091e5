"""What a person says of a study, put in place of what the rules would find."""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.curate.axes import Axes
from pipeline.curate.curation import REFERENCE, ContrastPlan, Journal
from pipeline.curate.settings import CurateSettings, StudyDesign
from pipeline.curate.sheet import Sheet
from pipeline.curate.variables import Variable, cross
from pipeline.sources.refusal import Refusal
from storage.contrast_id import contrast_id


def resolve_settings(settings: CurateSettings, design: StudyDesign) -> CurateSettings:
    """The settings with what a design says of them."""
    own = {
        name: getattr(design, name)
        for name in ("min_replicates", "max_groups", "all_pairs")
        if getattr(design, name) is not None
    }
    return replace(settings, **own) if own else settings


def resolve_samples(sheet: Sheet, named: Sequence[str]) -> list[str]:
    """Samples that a design names, by name or by title."""
    known = set(sheet.names)
    titles = dict(zip(sheet.columns.get("title", ()), sheet.names, strict=False))
    found = []
    for name in named:
        if name not in known and name not in titles:
            raise Refusal(
                "unknown_sample",
                f"the design names a sample {name!r}, which the study has not; it has "
                f"{', '.join(sorted(known)[:8])}",
            )
        found.append(name if name in known else titles[name])
    return found


def design_variables(
    variables: Sequence[Variable],
    names: Sequence[str],
    settings: CurateSettings,
    design: StudyDesign,
    journal: Journal,
) -> Axes:
    """The axes that a person names."""
    if design.groups:
        group_of: dict[str, str] = {}
        for group, members in design.groups.items():
            for sample in members:
                if group_of.setdefault(sample, group) != group:
                    raise Refusal(
                        "unknown_sample",
                        f"the design puts {sample!r} in the groups {group_of[sample]!r} and {group!r}; "
                        "leave it in one",
                    )
        unknown = sorted(set(group_of) - set(names))
        if unknown:
            raise Refusal(
                "unknown_sample",
                f"the design puts {unknown[0]!r} in a group, which is no usable sample of the study",
            )
        values = tuple(group_of.get(name, "") for name in names)
        axis = Variable("group", ("group",), values, "group")
        journal.add("factors", "the groups are those of the design")
        return Axes([axis], axis.codes)
    said = design.factors or [str(settings.factor)]
    axes = [_named(variables, name) for name in said]
    journal.add("factors", f"{' and '.join(repr(v.name) for v in axes)} by the design")
    return Axes(axes, cross(*(v.codes for v in axes)))


def _named(variables: Sequence[Variable], name: str) -> Variable:
    """The variable of that name, in its own case or else in any."""
    exact = [variable for variable in variables if variable.name == name]
    found = exact or [v for v in variables if v.name.casefold() == name.casefold()]
    if len(found) != 1:
        raise Refusal(
            "unknown_factor",
            f"the sample table has no column {name!r}; set factor to one of "
            f"{', '.join(repr(v.name) for v in variables)}",
        )
    return found[0]


def overruled_reference(
    variable: Variable, levels: Sequence[str], settings: CurateSettings, design: StudyDesign
) -> str | None:
    """The reference that a person gives to an axis; None where none is given, or another axis'."""
    said = design.reference if design.reference is not None else settings.reference
    if isinstance(said, dict):
        near = {name.casefold(): level for name, level in said.items()}
        said = near.get(variable.name.casefold())
        if said is not None and said not in levels:
            raise _unknown_reference(variable, said)
        return said
    if said is None or said in levels:
        return said
    if design.reference is not None or len(design.factors) > 1 or settings.factor is None:
        # It is another axis' level, which `check_reference` has seen.
        return None
    raise _unknown_reference(variable, said)


def check_reference(axes: Sequence[Variable], design: StudyDesign) -> None:
    """Refuse a reference of the design that is no level of any axis, or of what is no axis."""
    said = design.reference
    known = {variable.name.casefold() for variable in axes}
    for name in said if isinstance(said, dict) else ():
        if name.casefold() not in known:
            raise Refusal(
                "unknown_factor",
                f"the design gives a reference of {name!r}, which is not what is compared: that is "
                f"{', '.join(repr(v.name) for v in axes)}",
            )
    if isinstance(said, str) and not any(said in variable.levels for variable in axes):
        if len(axes) == 1:
            raise _unknown_reference(axes[0], said)
        told = "; ".join(f"{v.name!r} has {', '.join(v.levels)}" for v in axes)
        raise Refusal(
            "unknown_reference", f"no factor has a level {said!r} with enough samples: {told}"
        )


def _unknown_reference(variable: Variable, said: str) -> Refusal:
    told = ", ".join(f"{level} × {n}" for level, n in variable.sizes.items())
    return Refusal(
        "unknown_reference",
        f"{variable.name!r} has no level {said!r} with enough samples; it has {told}",
    )


def read_contrasts(asked: Sequence[str], groups: Sequence[str]) -> list[ContrastPlan]:
    """Contrasts as a person writes them: `TEST vs REFERENCE`, or as in a contrast's id."""
    known = sorted(set(groups))
    ids = {contrast_id("S", a, b)[2:]: (a, b) for a in known for b in known if a != b}
    plain = {f"{a} vs {b}": (a, b) for a in known for b in known if a != b}
    found: dict[tuple[str, str], ContrastPlan] = {}
    for text in asked:
        pair = plain.get(text) or ids.get(text)
        if pair is None:
            raise Refusal(
                "unknown_contrast",
                f"the design's contrast {text!r} is not TEST vs REFERENCE of two groups; the groups are "
                f"{', '.join(known)}",
            )
        found[pair] = ContrastPlan(
            test=pair[0], reference=pair[1], direction=REFERENCE, reference_word=pair[1]
        )
    return list(found.values())

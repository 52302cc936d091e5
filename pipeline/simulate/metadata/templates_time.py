"""Time, dose and age as factors, alone."""

from dataclasses import replace

from pipeline.simulate.metadata.answer import Contrast, Drawn, Truth
from pipeline.simulate.metadata.crossing import accepting, crossed_truth, groups_of, truth_of
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels import Levels, make_levels
from pipeline.simulate.metadata.levels_of_animals import knockout
from pipeline.simulate.metadata.levels_of_quantity import ages, doses, stages, time_pairs, times
from pipeline.simulate.metadata.levels_of_treatment import injury
from pipeline.simulate.metadata.sheet import Sheet, cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_plain import told


def time_course_with_zero(draw: Draw) -> Drawn:
    """Times from 0."""
    return told(cross(draw, [times(draw, draw.between(3, 6), zero=True)], high=4).show()).study()


def time_course_without_zero(draw: Draw) -> Drawn:
    """Times whose smallest is not 0."""
    return told(cross(draw, [times(draw, draw.between(2, 5), zero=False)], high=4).show()).study()


def dose_series(draw: Draw) -> Drawn:
    """Doses of one agent, mostly from 0."""
    return told(cross(draw, [doses(draw, draw.between(3, 5))], high=4).show()).study()


def young_and_aged(draw: Draw) -> Drawn:
    """Age is the factor."""
    return told(cross(draw, [ages(draw)]).show()).study()


def developmental_stages(draw: Draw) -> Drawn:
    """Embryonic and postnatal stages."""
    return told(cross(draw, [stages(draw, draw.between(2, 5))], high=4).show()).study()


def circadian(draw: Draw) -> Drawn:
    """Zeitgeber times."""
    step = draw.pick((3, 4, 6, 8, 12))
    start = draw.pick((0, 0, 0, 2, 1))
    style = draw.pick(("ZT{}", "ZT{:02d}", "ZT {}", "CT{}", "zt{}", "CT{:02d}"))
    texts = [style.format(k) for k in range(start, start + 24, step)]
    factor = Levels(
        key=draw.pick(
            ("zeitgeber time", "time", "zt", "circadian time", "time point", "time of day")
        ),
        values=tuple(texts),
        shorts=tuple(t.replace(" ", "") for t in texts),
        ordered=True,
    )
    return told(cross(draw, [factor], high=3).show()).study()


STAGES = (
    (
        ("virgin", "V"),
        ("pregnant day 14.5", "P14.5"),
        ("lactation day 2", "L2"),
        ("involution day 4", "I4"),
    ),
    (("virgin", "virgin"), ("18.5 day pregnancy", "18.5dP"), ("2 day lactation", "2dL")),
    (("nulliparous", "NP"), ("pregnant", "preg"), ("lactating", "lact")),
    (("non-pregnant", "NP"), ("pregnant", "P")),
    (("non-pregnant", "NP"), ("gestation day 10", "GD10"), ("gestation day 15", "GD15")),
    (("nulliparous", "nulli"), ("parous", "parous")),
    (("virgin", "Vir"), ("day 12 of pregnancy", "D12"), ("day 7 of lactation", "Lac7")),
    (("virgin female", "vir"), ("pregnant (d15)", "d15")),
    (("age-matched virgin", "AMV"), ("parous", "Par")),
)


def pregnancy_stage(draw: Draw) -> Drawn:
    """Virgin, pregnant, lactating: compared with virgin."""
    keys = (
        "developmental stage",
        "stage",
        "reproductive status",
        "pregnancy status",
        "parity",
        "status",
    )
    factor = make_levels(draw, "age", draw.pick(STAGES), reference=0)
    return told(cross(draw, [replace(factor, key=draw.pick(keys))], high=4).show()).study()


def days_after_injury(draw: Draw) -> Drawn:
    """An unhurt control and days after the injury, in one column."""
    model = injury(draw)
    control = (model.values[model.hub], model.shorts[model.hub])
    style = draw.pick(("{}", "{}", "{} post injury", "{} after " + model.shorts[1 - model.hub]))
    after = [(style.format(v), s) for v, s in time_pairs(draw, draw.between(2, 4), zero=False)]
    after = [
        (v if style != "{}" else f"{v} post {model.shorts[1 - model.hub]}", s) for v, s in after
    ]
    factor = make_levels(draw, "time", [control, *after], reference=0)
    sheet = told(cross(draw, [factor], high=4).show())
    return sheet.study(lambda names: star_or_later(names, sheet, [v for v, _ in after]))


def star_or_later(names: list[str], sheet: Sheet, later: list[str]) -> Truth:
    """All against the control; also right: later times against the first of them as well."""
    truth = crossed_truth(names, sheet.cells, sheet.factors)
    groups = groups_of(names, sheet.cells)
    texts = [v.casefold().replace("_", " ").replace("-", " ") for v in sheet.factors[0].values]
    wanted = [v.casefold().replace("_", " ").replace("-", " ") for v in later]
    order = [texts.index(v) for v in wanted]
    present = [groups[(i,)] for i in order if (i,) in groups]
    more = frozenset(Contrast(g, present[0], True) for g in present[1:])
    return accepting(truth, truth_of(truth.contrasts | more))


def age_poses_as_factor(draw: Draw) -> Drawn:
    """Ages in days that differ a little from animal to animal, beside the genotype that is meant."""
    factor = knockout(draw)
    cells = [(i,) for i in (0, 1) for _ in range(draw.between(4, 7))]
    sheet = Sheet(draw, [factor], cells).show()
    base, style = (
        draw.between(56, 120),
        draw.pick(("{} days", "{}", "{}d", "P{}", "{} day old", "day {}")),
    )
    choices = [base, base + draw.between(1, 3), base + draw.between(4, 9)]
    values: list[int] = []
    for level in (0, 1):
        n = sum(c[0] == level for c in cells)
        values += draw.shuffled([choices[(i + draw.between(0, 1)) % 3] for i in range(n)])
    # Never the same partition as the genotype, nor one age for all of one genotype.
    values[0], values[-1] = choices[0], choices[0]
    values[1], values[-2] = choices[1], choices[2]
    key = draw.pick(("age", "age", "age (days)", "age at sacrifice"))
    key = sheet.put(key, [style.format(v) for v in values])
    told(sheet, 0.5)

    def truth(names: list[str]) -> Truth:
        return replace(crossed_truth(names, sheet.cells, [factor]), optional=frozenset({key}))

    return sheet.study(truth)


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (
        time_course_with_zero,
        time_course_without_zero,
        dose_series,
        young_and_aged,
        developmental_stages,
        circadian,
        pregnancy_stage,
        days_after_injury,
        age_poses_as_factor,
    )
)

"""Time beside a treatment: crossed, packed into one column, with one control for all, in the same animals."""

from dataclasses import replace

from pipeline.simulate.metadata.answer import Contrast, Drawn, Truth
from pipeline.simulate.metadata.crossing import (
    Cell,
    accepting,
    crossed_truth,
    enters,
    groups_of,
    truth_of,
)
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels_of_quantity import times
from pipeline.simulate.metadata.levels_of_treatment import (
    any_treatment,
    infection,
    injury,
    stimulus,
)
from pipeline.simulate.metadata.sheet import Sheet, cross
from pipeline.simulate.metadata.template import Template, unlike_keys
from pipeline.simulate.metadata.templates_plain import told
from pipeline.simulate.metadata.titles import write_titles


def treatment_by_time(draw: Draw) -> Drawn:
    """A treatment and its control at every time."""
    n = draw.pick((2, 2, 3))
    factors = unlike_keys(draw, any_treatment, lambda d: times(d, n, zero=False))
    return told(cross(draw, factors, high=4).show()).study()


def treatment_and_time_packed(draw: Draw) -> Drawn:
    """`LPS 4h`: the control once, or at each time."""
    treatment = stimulus(draw)
    course = times(draw, draw.between(2, 3), zero=False)
    everywhere = draw.maybe(0.5)
    cells: list[Cell] = []
    n = draw.replicates(2, 4)
    for t in range(len(course.values)):
        cells += [(1 - treatment.hub, t)] * n
        cells += [(treatment.hub, t)] * (n if everywhere or t == 0 else 0)
    sheet = Sheet(draw, [treatment, course], sorted(cells))
    pattern = draw.pick(("{} {}", "{}, {}", "{}_{}", "{} ({})", "{} for {}"))
    turned = draw.maybe(0.2)
    texts, shorts = [], []
    for what, when in sheet.cells:
        control = what == treatment.hub and not everywhere
        pair = (treatment.values[what], course.values[when])
        texts.append(pair[0] if control else pattern.format(*(pair[::-1] if turned else pair)))
        shorts.append([treatment.shorts[what]] + ([] if control else [course.shorts[when]]))
    sheet.put(draw.pick(("treatment", "stimulation", "condition", "group", treatment.key)), texts)
    if draw.maybe(0.7):
        sheet.title = write_titles(draw, shorts)
    sheet.furnish()

    def truth(names: list[str]) -> Truth:
        if everywhere:
            return crossed_truth(names, sheet.cells, sheet.factors)
        return one_control(names, sheet)

    return sheet.study(truth)


def one_control(names: list[str], sheet: Sheet) -> Truth:
    """Each time against the one control; also right: later times against the first as well."""
    hub = sheet.factors[0].hub
    groups = groups_of(names, sheet.cells)
    control = next(g for cell, g in groups.items() if cell[0] == hub)
    treated = [groups[cell] for cell in sorted(groups) if cell[0] != hub]
    star = frozenset(Contrast(g, control, True) for g in treated)
    more = frozenset(Contrast(g, treated[0], True) for g in treated[1:])
    return accepting(truth_of(star), truth_of(star | more))


def nested_control(draw: Draw) -> Drawn:
    """A control at a time of its own (day 0), or at one of the times of the treated."""
    makers = draw.pick((infection, injury, stimulus))
    own = draw.maybe(0.75)
    n_times = draw.between(3, 4) if own else draw.between(2, 3)
    treatment, course = unlike_keys(draw, makers, lambda d: times(d, n_times, zero=own))
    n = draw.replicates(3, 5)
    last = 0 if own else n_times - 1
    cells: list[Cell] = [(treatment.hub, last)] * n
    cells += [(1 - treatment.hub, t) for t in range(1 if own else 0, n_times) for _ in range(n)]
    sheet = Sheet(draw, [treatment, course], cells)
    sheet.show(0)
    blank = draw.pick((None, "n/a", course.values[0], course.values[0], course.values[0]))
    when = [blank if own and c[0] == treatment.hub else course.values[c[1]] for c in cells]
    sheet.put(course.key, when)
    told(sheet)
    return sheet.study(
        lambda names: (
            one_control(names, sheet)
            if own
            else crossed_truth(names, sheet.cells, [treatment, course])
        )
    )


def repeated_measures(draw: Draw) -> Drawn:
    """The same animals at several times."""
    course = times(draw, draw.between(2, 4), zero=draw.maybe(0.6))
    animals = draw.between(3, 7)
    cells = [(t,) for t in range(len(course.values)) for _ in range(animals)]
    sheet = Sheet(draw, [course], cells)
    start = draw.between(1, 800)
    style = draw.pick(("{}", "M{}", "mouse {}", "#{}", "animal_{}"))
    ids = [style.format(start + i % animals) for i in range(len(cells))]
    column = sheet.put_kind("subject", ids)
    if draw.maybe(0.6):
        sheet.show()
        if draw.maybe(0.5):
            sheet.tell()
    else:
        sheet.title = [
            f"{i}_{c}_{a}"
            for i, (c, a) in enumerate(zip(sheet.level(0, short=True), ids, strict=True), 1)
        ]
    sheet.furnish(sparse=True)

    def truth(names: list[str]) -> Truth:
        answer = crossed_truth(names, cells, [course])
        block = frozenset({column})
        return (
            replace(answer, blocks=block)
            if enters(cells, [ids])
            else replace(answer, optional=block)
        )

    return sheet.study(truth)


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (treatment_by_time, treatment_and_time_packed, nested_control, repeated_measures)
)

"""Studies that must be refused, whole or in part."""

from pipeline.simulate.metadata.answer import Drawn, Truth
from pipeline.simulate.metadata.crossing import (
    accepting,
    groups_of,
    refusal,
    simple_contrasts,
    truth_of,
)
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels_of_treatment import any_treatment
from pipeline.simulate.metadata.sheet import Sheet, cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_nuisance import BATCHES
from pipeline.simulate.metadata.templates_plain import any_factor, told


def batch_confounded(draw: Draw) -> Drawn:
    """Each group is a batch of its own."""
    factor = any_factor(draw) if draw.maybe(0.7) else any_treatment(draw, 3)
    sheet = cross(draw, [factor], low=2).show()
    marks = draw.shuffled(draw.pick(BATCHES)[: len(factor.values)])
    sheet.put(
        "batch"
        if draw.maybe(0.5)
        else draw.pick(("sequencing batch", "library batch", "batch number")),
        [marks[c[0]] for c in sheet.cells],
    )
    told(sheet)
    return sheet.study(lambda _: refusal("confounded"))


def batch_confounds_one_level(draw: Draw) -> Drawn:
    """One of the treatments was done in a batch of its own, the control and the other together."""
    factor = any_treatment(draw, 3)
    late = draw.pick([i for i in range(3) if i != factor.hub])
    sheet = cross(draw, [factor], low=3).show()
    marks = draw.pick(BATCHES)
    sheet.put(
        draw.pick(("batch", "sequencing batch", "library batch")),
        [marks[int(c[0] == late)] for c in sheet.cells],
    )
    told(sheet)

    def truth(names: list[str]) -> Truth:
        groups = groups_of(names, sheet.cells)
        del groups[(late,)]
        return accepting(truth_of(simple_contrasts(groups, [factor])), refusal("confounded"))

    return sheet.study(truth)


def no_replicates(draw: Draw) -> Drawn:
    """One sample of each group, or only one group with more."""
    n = draw.between(2, 6)
    factor = any_factor(draw) if n == 2 else any_treatment(draw, min(n, 5))
    counts = [1] * len(factor.values)
    if draw.maybe(0.4):
        counts[draw.between(0, len(counts) - 1)] = draw.between(2, 4)
    cells = [(i,) for i, count in enumerate(counts) for _ in range(count)]
    sheet = told(Sheet(draw, [factor], cells).show())
    codes = ["no_replicates", "too_few_samples"]
    return sheet.study(lambda _: refusal(*codes, *(["no_factor"] if max(counts) == 1 else [])))


def too_few_samples(draw: Draw) -> Drawn:
    """One to three samples."""
    factor = any_factor(draw)
    cells = draw.pick(([(0,)], [(1,)], [(0,), (1,)], [(0,), (0,)], [(0,), (0,), (1,)]))
    sheet = told(Sheet(draw, [factor], cells).show())
    codes = {"too_few_samples", "no_replicates"}
    codes |= {"one_condition"} if len(set(cells)) == 1 else set()
    codes |= {"no_factor"} if len(set(cells)) in (1, len(cells)) else set()
    return sheet.study(lambda _: refusal(*sorted(codes)))


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (batch_confounded, batch_confounds_one_level, no_replicates, too_few_samples)
)

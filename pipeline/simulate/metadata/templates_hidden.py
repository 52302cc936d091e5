"""Groups that no characteristic tells: in titles, in the source, in the second row of descriptions."""

from dataclasses import replace

from pipeline.simulate.metadata.answer import Drawn, Truth
from pipeline.simulate.metadata.crossing import accepting, crossed_truth
from pipeline.simulate.metadata.draw import Draw, words
from pipeline.simulate.metadata.levels import Levels
from pipeline.simulate.metadata.levels_of_animals import knockout
from pipeline.simulate.metadata.levels_of_treatment import any_treatment, drug, stimulus
from pipeline.simulate.metadata.sheet import Sheet, cross
from pipeline.simulate.metadata.template import Template

# Short forms that a person knows for a control only when the long form stands beside them.
WEAK = words(
    "C 0 B6 par LM Sh UC SO VC NS BM US UI NI NC med media rest oil wt +/+ none Sal sal UnI NT"
)


def by_titles(names: list[str], sheet: Sheet) -> Truth:
    """The truth where only short forms are seen: a weak one may be taken for no reference."""
    seen = [replace(f, values=f.shorts) for f in sheet.factors]
    truth = crossed_truth(names, sheet.cells, seen)
    weak = [
        replace(f, reference=None)
        if f.reference is not None and f.shorts[f.reference] in WEAK
        else f
        for f in seen
    ]
    return accepting(truth, crossed_truth(names, sheet.cells, weak)) if weak != seen else truth


def title_only(draw: Draw) -> Drawn:
    """One or two factors in the titles and nowhere else."""
    factors = [draw.pick((knockout, any_treatment))(draw, 2)]
    if draw.maybe(0.3):
        factors = [knockout(draw), draw.pick((drug, stimulus))(draw, 2)]
    elif draw.maybe(0.3):
        factors = [any_treatment(draw, 3)]
    sheet = cross(draw, factors)
    sheet.tell().furnish()
    return sheet.study(lambda names: by_titles(names, sheet))


def second_description_row(draw: Draw) -> Drawn:
    """Codes in the titles and in the first row of descriptions, groups in the second."""
    words = (
        ("Responder", "NonResponder", 1),
        ("responder", "non-responder", 1),
        ("tumor bearing", "tumor free", 1),
        ("high fat diet", "normal chow", 1),
        ("infected", "non infected", 1),
        ("Treated", "Control", 1),
    )
    if draw.maybe(0.5):
        a, b, reference = draw.pick(words)
        factor = Levels(key="description", values=(a, b), shorts=(a, b), reference=reference)
    else:
        factor = draw.pick((knockout, any_treatment))(draw, 2)
    sheet = cross(draw, [factor], low=3).furnish(sparse=True)
    codes = [
        f"{draw.pick('ABCDXYZ')}{draw.between(10, 99)}_{i}"
        for i in draw.shuffled(range(len(sheet)))
    ]
    sheet.title = codes
    sheet.descriptions = [[f"Library name: {c}" for c in codes], sheet.level(0)]
    if draw.maybe(0.3):
        sheet.descriptions.append(["raw counts: counts.txt"] * len(sheet))
    if "esponder" not in factor.values[0]:
        return sheet.study()

    def truth(names: list[str]) -> Truth:
        either = replace(factor, reference=None)
        return accepting(
            crossed_truth(names, sheet.cells, [factor]), crossed_truth(names, sheet.cells, [either])
        )

    return sheet.study(truth)


def source_name_only(draw: Draw) -> Drawn:
    """Groups in the source name, with or without the tissue."""
    factor = draw.pick((knockout, any_treatment))(draw, draw.pick((2, 2, 3)))
    sheet = cross(draw, [factor])
    pattern = draw.pick(
        ("{}", "{} liver", "{} BMDMs", "Lung, {}", "kidney_{}", "Spleen of {} mice", "{} cells")
    )
    sheet.source = [pattern.format(v) for v in sheet.level(0)]
    if draw.maybe(0.4):
        sheet.tell()
    return sheet.furnish().study()


TEMPLATES = tuple(
    Template(f.__name__, f) for f in (title_only, second_description_row, source_name_only)
)

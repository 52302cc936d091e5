"""Kept apart: subjects that give a sample to each group, and libraries made again."""

from dataclasses import replace

from pipeline.simulate.metadata.answer import Drawn, Truth
from pipeline.simulate.metadata.crossing import Cell, crossed_truth, enters, refusal
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.held_out_words import either, other_drug
from pipeline.simulate.metadata.levels import Levels
from pipeline.simulate.metadata.levels_of_treatment import stimulus
from pipeline.simulate.metadata.sheet import Sheet
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_plain import told
from pipeline.simulate.metadata.titles import replicate_numbers, write_titles


def in_pairs(
    draw: Draw, factor: Levels, ids: list[str], column: str, *, shown: bool = True
) -> Drawn:
    """Each subject once in each group; the subject is a block where enough is left."""
    cells: list[Cell] = [(level,) for level in range(len(factor.values)) for _ in ids]
    sheet = Sheet(draw, [factor], cells)
    subjects = ids * len(factor.values)
    if shown:
        sheet.show()
    if draw.maybe(0.6) or not shown:
        parts = [[s, *p] for s, p in zip(subjects, sheet.parts(), strict=True)]
        sheet.title = ["_".join(p).replace(" ", "") for p in parts]
    column = sheet.put(column, subjects)
    sheet.furnish(sparse=True)

    def truth(names: list[str]) -> Truth:
        answer = crossed_truth(names, cells, [factor])
        block = frozenset({column})
        return (
            replace(answer, blocks=block)
            if enters(cells, [subjects])
            else replace(answer, optional=block)
        )

    return sheet.study(truth)


def two_of(key: str, reference: tuple[str, str], test: tuple[str, str], draw: Draw) -> Levels:
    """Two levels with a reference, in either order."""
    pairs = draw.shuffled([reference, test])
    return Levels(
        key=key,
        values=tuple(p[0] for p in pairs),
        shorts=tuple(p[1] for p in pairs),
        reference=pairs.index(reference),
    )


BEFORE = (
    (("pre", "pre"), ("post", "post")),
    (("before", "bef"), ("after", "aft")),
    (("pre-treatment", "Pre"), ("post-treatment", "Post")),
    (("baseline", "BL"), ("week 4", "W4")),
    (("Pre-dose", "predose"), ("Post-dose", "postdose")),
    (("before surgery", "preOP"), ("after surgery", "postOP")),
    (("pre-immunization", "preI"), ("7 days post immunization", "d7")),
    (("pretreatment", "T0"), ("on treatment", "T1")),
    (("day 0", "d0"), ("day 14", "d14")),
    (("before exercise", "rest"), ("after exercise", "ex")),
)


def before_and_after(draw: Draw) -> Drawn:
    """One animal before and after."""
    before, after = draw.pick(BEFORE)
    key = draw.pick(("time point", "time", "treatment", "sampling", "timepoint", "visit"))
    start = draw.between(1, 60)
    style = draw.pick(("mouse {}", "{}", "M{:02d}", "animal {}", "ID{}"))
    ids = [style.format(start + i) for i in range(draw.between(3, 8))]
    column = draw.pick(("mouse id", "animal", "subject", "mouse number", "individual", "animal id"))
    return in_pairs(draw, two_of(key, before, after, draw), ids, column)


NORMAL = (
    (("normal", "N"), ("tumor", "T")),
    (("adjacent normal", "N"), ("tumour", "T")),
    (("Normal", "Norm"), ("Tumor", "Tum")),
    (("normal mucosa", "NM"), ("adenoma", "AD")),
    (("paired normal tissue", "PN"), ("primary tumor", "PT")),
    (("contralateral", "contra"), ("ipsilateral", "ipsi")),
    (("contralateral control", "CL"), ("injured side", "IL")),
    (("non-lesional skin", "NL"), ("lesional skin", "LS")),
    (("remote zone", "RZ"), ("infarct zone", "IZ")),
    (("uninjured leg", "uninj"), ("injured leg", "inj")),
    (("non-tumor liver", "NT"), ("HCC", "HCC")),
)


def paired_tumour_normal(draw: Draw) -> Drawn:
    """What is ill and what is not, of one mouse."""
    normal, ill = draw.pick(NORMAL)
    key = draw.pick(
        ("tissue type", "disease state", "sample type", "status", "tissue", "histology", "side")
    )
    style = draw.pick(("m{}", "M{}", "mouse {}", "{}", "#{}"))
    ids = [style.format(i) for i in range(11, 11 + draw.between(3, 7))]
    column = draw.pick(("mouse id", "mouse", "animal id", "pair", "individual", "subject id"))
    return in_pairs(draw, two_of(key, normal, ill, draw), ids, column)


def donors_as_blocks(draw: Draw) -> Drawn:
    """Cells of each donor, line or preparation under every treatment."""
    factor = draw.pick((other_drug, stimulus))(draw, draw.pick((2, 2, 3)))
    column, style = draw.pick(
        (
            ("donor", "donor {}"),
            ("donor", "D{}"),
            ("cell line", "L{}061"),
            ("cell line", "KPC-{}"),
            ("preparation", "prep {}"),
            ("isolation", "{}"),
            ("mouse donor", "M{}"),
            ("patient", "P{}"),
            ("litter", "litter {}"),
            ("culture", "culture {}"),
        )
    )
    ids = [style.format(i) for i in range(1, draw.between(3, 6) + 1)]
    return in_pairs(draw, factor, ids, column)


def technical_replicates_alone(draw: Draw) -> Drawn:
    """One animal of each group, and its library several times."""
    factor = either(draw)
    times = draw.between(2, 4)
    cells: list[Cell] = [(level,) for level in (0, 1) for _ in range(times)]
    sheet = Sheet(draw, [factor], cells).show()
    start = draw.between(3_000_000, 30_000_000)
    sheet.biosample = [f"SAMN{start + c[0]:08d}" for c in cells]
    style = draw.pick(
        ("_tech{n}", " technical replicate {n}", "_L00{n}", ", tech rep {n}", "_lane{n}")
    )
    numbers = replicate_numbers(cells)
    sheet.title = [
        "_".join(p) + style.format(n=n) for p, n in zip(sheet.parts(), numbers, strict=True)
    ]
    sheet.furnish(sparse=True)
    return sheet.study(lambda _: refusal("no_replicates", "too_few_samples"))


def one_condition(draw: Draw) -> Drawn:
    """One group of samples, perhaps of several batches."""
    factor = either(draw)
    level = draw.between(0, 1)
    cells: list[Cell] = [(level,)] * draw.between(3, 10)
    sheet = Sheet(draw, [factor], cells)
    if draw.maybe(0.6):
        sheet.show()
    if draw.maybe(0.3):
        marks = draw.pick((("1", "2"), ("batch A", "batch B"), ("first run", "second run")))
        sheet.put("batch", [marks[i % 2] for i in range(len(cells))])
    if draw.maybe(0.5):
        sheet.title = write_titles(draw, sheet.parts())
    told(sheet, 0.0)
    return sheet.study(lambda _: refusal("one_condition", "no_factor"))


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (
        before_and_after,
        paired_tumour_normal,
        donors_as_blocks,
        technical_replicates_alone,
        one_condition,
    )
)

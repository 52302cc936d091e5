"""Kept apart: columns that repeat, join, number, misspell or measure."""

from pipeline.simulate.metadata.answer import Drawn, Truth
from pipeline.simulate.metadata.crossing import crossed_truth
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.held_out_words import either, other_drug, other_mutant
from pipeline.simulate.metadata.levels import Levels
from pipeline.simulate.metadata.levels_of_animals import knockout
from pipeline.simulate.metadata.levels_of_treatment import any_treatment
from pipeline.simulate.metadata.sheet import cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_plain import told


def redundant_columns(draw: Draw) -> Drawn:
    """One partition told by several columns, in other words each time."""
    factor = either(draw)
    sheet = cross(draw, [factor]).show()
    short = sheet.level(0, short=True)
    again = [
        ("group", short),
        ("sample type", [f"{s} sample" for s in short]),
        ("phenotype", [f"{v} phenotype" for v in sheet.level(0)]),
        ("protocol", [f"protocol {c[0] + 1}" for c in sheet.cells]),
        ("mouse line", [f"line {'AB'[c[0]]}" for c in sheet.cells]),
        ("facility", [("Jackson", "in-house")[c[0]] for c in sheet.cells]),
        ("code", [("x", "y")[c[0]] for c in sheet.cells]),
    ]
    for key, values in draw.some(again, draw.between(1, 3)):
        if key not in sheet.columns:
            sheet.put(key, values)
    if draw.maybe(0.4):
        sheet.source = [f"{sheet.organ}, {v}" for v in sheet.level(0)]
    return told(sheet).study()


def numbers_as_labels(draw: Draw) -> Drawn:
    """Groups called 1, 2, 3, and no more said."""
    n = draw.pick((2, 2, 3, 4))
    first = draw.pick((1, 1, 1, 0))
    values = tuple(str(i) for i in range(first, first + n))
    key = draw.pick(
        (
            "group",
            "condition",
            "group",
            "treatment group",
            "genotype code",
            "class",
            "experimental group",
        )
    )
    factor = Levels(key=key, values=values, shorts=tuple(f"G{v}" for v in values))
    sheet = cross(draw, [factor], low=3).show()
    return told(sheet, 0.3).study()


def replicate_in_level(draw: Draw) -> Drawn:
    """The number of the replicate stands in the characteristic itself."""
    factor = draw.pick((knockout, other_drug, other_mutant, any_treatment))(
        draw, draw.pick((2, 2, 3))
    )
    sheet = cross(draw, [factor], low=3)
    style = draw.pick(
        (
            " rep{}",
            " replicate {}",
            "_{}",
            " #{}",
            "-{}",
            " {}",
            "_rep{}",
            " (rep {})",
            ", biological replicate {}",
        )
    )
    values = sheet.level(0)
    if any(v[-1].isdigit() for v in values):
        style = draw.pick((" rep{}", " replicate {}", "_rep{}", " (replicate {})"))
    sheet.put(
        factor.key, [v + style.format(n) for v, n in zip(values, sheet.replicate(), strict=True)]
    )
    return told(sheet, 0.5).study()


def misspelt(draw: Draw, text: str) -> str:
    """One slip of the finger in a word of at least five letters, or a letter in the wrong case."""
    places = [
        i for i in range(1, len(text) - 2) if text[i : i + 2].isalpha() and text[i] != text[i + 1]
    ]
    if len(text) < 5 or not places:
        return text.swapcase() if text.swapcase() != text else text + " "
    i = draw.pick(places)
    return draw.pick(
        (
            text[:i] + text[i + 1] + text[i] + text[i + 2 :],
            text[:i] + text[i + 1 :],
            text[:i] + text[i] + text[i:],
        )
    )


CONTROLS = (
    "control",
    "Control",
    "untreated",
    "vehicle",
    "wild type",
    "uninfected",
    "saline",
    "unstimulated",
    "scramble",
)
TESTS = (
    "treated",
    "knockout",
    "infected",
    "stimulated",
    "rapamycin",
    "knockdown",
    "Mutant",
    "transgenic",
    "fibrosis",
)


def typo_levels(draw: Draw) -> Drawn:
    """One or two cells of a group misspelt."""
    pairs = (draw.pick(CONTROLS), draw.pick(TESTS))
    shorts = (draw.pick(("ctrl", "C", "Con", "WT")), draw.pick(("T", "exp", "KO", "trt")))
    key = draw.pick(("treatment", "group", "condition", "genotype", "phenotype"))
    factor = Levels(key=key, values=pairs, shorts=shorts, reference=0)
    sheet = cross(draw, [factor], low=3)
    values = sheet.level(0)
    for level in draw.shuffled((0, 1))[: draw.between(1, 2)]:
        of_level = [i for i, c in enumerate(sheet.cells) if c == (level,)]
        slip = misspelt(draw, pairs[level])
        for i in draw.some(of_level, 1 if len(of_level) < 4 else draw.between(1, 2)):
            values[i] = slip
    sheet.put(key, [v.strip() or v for v in values])
    return told(sheet, 0.5).study()


def measurements_as_columns(draw: Draw) -> Drawn:
    """Numbers that were measured of each sample, some of them alike."""
    sheet = cross(draw, [either(draw)], low=3).show()
    n = len(sheet)
    measured = [
        ("rin", [f"{draw.between(80, 95) / 10}" for _ in range(n)]),
        ("body weight (g)", [str(draw.between(19, 24)) for _ in range(n)]),
        ("reads (million)", [str(draw.between(20, 26)) for _ in range(n)]),
        ("rna concentration (ng/ul)", [str(10 * draw.between(4, 12)) for _ in range(n)]),
        ("blood glucose (mg/dl)", [str(draw.between(110, 119)) for _ in range(n)]),
        ("260/280", [f"{draw.between(198, 206) / 100}" for _ in range(n)]),
        ("number of cells", [str(1000 * draw.between(30, 36)) for _ in range(n)]),
    ]
    columns = frozenset(
        sheet.put(key, values) for key, values in draw.some(measured, draw.between(1, 3))
    )
    told(sheet, 0.6)

    def truth(names: list[str]) -> Truth:
        plain = crossed_truth(names, sheet.cells, sheet.factors)
        return Truth(
            groups=plain.groups,
            contrasts=plain.contrasts,
            optional=columns,
            acceptable=plain.acceptable,
        )

    return sheet.study(truth)


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (
        redundant_columns,
        numbers_as_labels,
        replicate_in_level,
        typo_levels,
        measurements_as_columns,
    )
)

"""Kept apart: a word and its negation, a transgene and the littermates without it."""

from dataclasses import replace

from pipeline.simulate.metadata.answer import Drawn, Truth
from pipeline.simulate.metadata.crossing import accepting, crossed_truth
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.held_out_treatment import keyed
from pipeline.simulate.metadata.sheet import cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_plain import told

# What is meant, its negation, and whether the negation is a control rather than just the other kind.
NEGATIONS = (
    ("responder", "non-responder", False),
    ("Responder", "Nonresponder", False),
    ("R", "NR", False),
    ("progressor", "non-progressor", False),
    ("lesional", "non-lesional", False),
    ("metastatic", "non-metastatic", False),
    ("diabetic", "non-diabetic", True),
    ("obese", "non-obese", True),
    ("infected", "non-infected", True),
    ("irradiated", "nonirradiated", True),
    ("injured", "non-injured", True),
    ("stressed", "non-stressed", True),
    ("immunized", "non-immunized", True),
    ("tumor-bearing", "non-tumor-bearing", True),
    ("allergic", "nonallergic", True),
    ("abnormal", "normal", True),
    ("septic", "non-septic", True),
    ("colonized", "uncolonized", True),
    ("exposed", "unexposed", True),
    ("vaccinated", "unvaccinated", True),
)


def responders(draw: Draw) -> Drawn:
    """A word and its negation."""
    value, negation, control = draw.pick(NEGATIONS)
    keys = (
        "response",
        "phenotype",
        "status",
        "disease state",
        "group",
        "condition",
        "treatment response",
    )
    shorts = (negation.replace(" ", ""), value.replace(" ", ""))
    factor = keyed(draw, keys, [(negation, shorts[0]), (value, shorts[1])])
    sheet = told(cross(draw, [factor]).show())

    def truth(names: list[str]) -> Truth:
        known = crossed_truth(names, sheet.cells, [factor])
        free = crossed_truth(names, sheet.cells, [replace(factor, reference=None)])
        return known if control else accepting(known, free)

    return sheet.study(truth)


TRANSGENES = (
    ("non-transgenic", "APP/PS1", "nTg", "APPPS1"),
    ("non-transgenic littermate", "5xFAD", "NTg", "5xFAD"),
    ("non-Tg", "SOD1-G93A", "nonTg", "SOD1"),
    ("NTg", "rTg4510", "NTg", "Tg4510"),
    ("wild-type littermates", "R6/2", "LM", "R62"),
    ("WT littermate", "Tg2576", "WTLM", "Tg"),
    ("nontransgenic", "transgenic", "nontg", "tg"),
    ("non-carrier", "carrier of hSNCA-A53T", "NC", "A53T"),
    ("transgene negative", "transgene positive", "neg", "pos"),
    ("Tg-", "Tg+", "Tgneg", "Tgpos"),
    ("db/m", "db/db", "dbm", "dbdb"),
    ("db/+", "db/db", "dbplus", "dbdb"),
    ("lean (ob/+)", "ob/ob", "lean", "obob"),
    ("C57BL/10 wild type", "mdx", "BL10", "mdx"),
    ("littermate control", "MMTV-PyMT", "ctrl", "PyMT"),
    ("tTA only", "tTA;tetO-hTau", "tTA", "tau"),
    ("Q20", "zQ175", "Q20", "Q175"),
)


def transgenic_littermates(draw: Draw) -> Drawn:
    """A transgene against the littermates without it."""
    a, b, short_a, short_b = draw.pick(TRANSGENES)
    factor = keyed(
        draw,
        ("genotype", "genotype", "strain/genotype", "genotype/variation"),
        [(a, short_a), (b, short_b)],
    )
    sheet = told(cross(draw, [factor]).show())

    def truth(names: list[str]) -> Truth:
        known = crossed_truth(names, sheet.cells, [factor])
        free = crossed_truth(names, sheet.cells, [replace(factor, reference=None)])
        return accepting(known, free) if a in ("Q20", "tTA only") else known

    return sheet.study(truth)


TEMPLATES = tuple(Template(f.__name__, f) for f in (responders, transgenic_littermates))

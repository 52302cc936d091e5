"""Kept apart: two factors in one cell, in a column of their own as well, or in names alone."""

import pandas as pd

from pipeline.simulate.metadata.answer import Drawn
from pipeline.simulate.metadata.crossing import Cell, accepting
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.held_out_words import other_drug, other_mutant
from pipeline.simulate.metadata.levels import Levels
from pipeline.simulate.metadata.levels_of_animals import knockout, tissue
from pipeline.simulate.metadata.levels_of_quantity import ages
from pipeline.simulate.metadata.levels_of_treatment import drug, infection, stimulus
from pipeline.simulate.metadata.sheet import Sheet, cross
from pipeline.simulate.metadata.template import Template, unlike_keys
from pipeline.simulate.metadata.templates_folder import sample_names
from pipeline.simulate.metadata.templates_hidden import by_titles
from pipeline.simulate.metadata.templates_plain import told


def group_joins_factors(draw: Draw) -> Drawn:
    """Each factor in its column, and all of them joined in one more."""
    first = draw.pick((knockout, other_mutant))
    second = draw.pick((drug, other_drug, stimulus, infection))
    n = draw.pick((2, 2, 3))
    factors = unlike_keys(draw, lambda d: first(d, 2), lambda d: second(d, n))
    sheet = cross(draw, factors, high=4)
    glue = draw.pick(("_", " ", "-", ".", " + ", "/"))
    short = draw.maybe(0.6)
    joined = [
        glue.join((f.shorts if short else f.values)[c] for f, c in zip(factors, cell, strict=True))
        for cell in sheet.cells
    ]
    sheet.show()
    key = draw.pick(
        ("group", "condition", "experimental group", "sample group", "class", "group name")
    )
    sheet.put(key if key not in sheet.columns else "sample group", joined)
    return told(sheet).study()


STAGES = (
    ("pre-symptomatic", "onset", "end stage"),
    ("early stage", "late stage"),
    ("presymptomatic", "symptomatic"),
    ("early", "late"),
)


def disease_stage(draw: Draw) -> Levels:
    """Stages of a disease, in their order."""
    texts = draw.pick(STAGES)
    return Levels(
        key="stage", values=texts, shorts=tuple(t.replace(" ", "") for t in texts), ordered=True
    )


def packed_two_factors(draw: Draw) -> Drawn:
    """Two factors in one cell: `end stage KO`."""
    gene = draw.pick((knockout, other_mutant))(draw, 2)
    kind = draw.pick(("treatment", "treatment", "stage", "age", "tissue"))
    other = {
        "treatment": lambda: draw.pick((other_drug, stimulus, infection))(draw, 2),
        "stage": lambda: disease_stage(draw),
        "age": lambda: ages(draw),
        "tissue": lambda: tissue(draw, 2).as_stratum(),
    }[kind]()
    factors = draw.shuffled([gene, other])
    sheet = cross(draw, factors, high=4)
    pattern = draw.pick(
        ("{} {}", "{} {}", "{}_{}", "{}, {}", "{} / {}", "{} + {}", "{}; {}", "{}, {} mice")
    )
    packed = [
        pattern.format(*(f.values[c] for f, c in zip(factors, cell, strict=True)))
        for cell in sheet.cells
    ]
    sheet.put(
        draw.pick(
            ("group", "condition", "genotype", "treatment", "sample type", "description of group")
        ),
        packed,
    )
    return told(sheet, 0.5).study()


FIRST = (
    ("WT", "KO", 0),
    ("wt", "mut", 0),
    ("Ctrl", "cKO", 0),
    ("siCtrl", "siNrf2", 0),
    ("WT", "Tg", 0),
)
SECOND = (
    ("veh", "drug", 0),
    ("PBS", "LPS", 0),
    ("mock", "inf", 0),
    ("DMSO", "Tam", 0),
    ("sham", "TAC", 0),
    ("unstim", "stim", 0),
    ("chow", "HFD", 0),
    ("NT", "IFN", 0),
)


def names_carry_two_factors(draw: Draw) -> Drawn:
    """No table at all: `WT_LPS_1`."""
    factors = []
    for key, words in (("first", FIRST), ("second", SECOND)):
        a, b, reference = draw.pick(words)
        factors.append(Levels(key=key, values=(a, b), shorts=(a, b), reference=reference))
    glue = draw.pick(("_", "_", "-", "."))
    sheet = cross(draw, factors, high=4)
    order = draw.shuffled(range(len(sheet))) if draw.maybe(0.3) else list(range(len(sheet)))
    cells: list[Cell] = [sheet.cells[i] for i in order]
    flipped = draw.maybe(0.3)
    texts = []
    for cell in cells:
        parts = [f.values[c] for f, c in zip(factors, cell, strict=True)]
        texts.append(glue.join(parts[::-1] if flipped else parts))
    names = sample_names(draw, texts)
    table = pd.DataFrame(index=pd.Index(names, dtype=object))
    return Drawn(table=table, truth=accepting(by_titles(names, Sheet(draw, factors, cells))))


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (group_joins_factors, packed_two_factors, names_carry_two_factors)
)

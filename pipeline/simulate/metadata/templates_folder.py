"""A person's folder of counts: sample names that tell the groups, with or without a small table."""

import pandas as pd

from pipeline.simulate.metadata.answer import Drawn
from pipeline.simulate.metadata.crossing import crossed_truth
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels import Levels
from pipeline.simulate.metadata.sheet import Sheet, cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_hidden import by_titles
from pipeline.simulate.metadata.templates_plain import any_factor
from pipeline.simulate.metadata.titles import replicate_numbers

ENDINGS = (
    "_{n}",
    "{n}",
    "-{n}",
    ".{n}",
    "_rep{n}",
    "_Rep{n}",
    "-rep{n}",
    "_r{n}",
    "_R{n}",
    "_S{serial}",
    "_{letter}",
)
PLAIN_NAMES = (
    ("WT", "KO", 0),
    ("wt", "ko", 0),
    ("ctrl", "treated", 0),
    ("Control", "Treated", 0),
    ("CTL", "TRT", 0),
    ("Ctrl", "Dox", 0),
    ("Veh", "Rapa", 0),
    ("DMSO", "JQ1", 0),
    ("sham", "MI", 0),
    ("mock", "IAV", 0),
    ("siCtrl", "siStat3", 0),
    ("shLuc", "shMyc", 0),
    ("WT", "Het", 0),
    ("untreated", "LPS", 0),
    ("Con", "PTH", 0),
    ("PBS", "LPS", 0),
    ("EV", "OE", 0),
    ("control", "hoxa1", 0),
    ("NT", "IFNg", 0),
    ("uninfected", "infected", 0),
)
THREE_NAMES = (
    ("WT", "Het", "KO"),
    ("ctrl", "drugA", "drugB"),
    ("Veh", "Rapa", "Torin"),
    ("mock", "IAV", "RSV"),
    ("shCtrl", "shMyc", "shKras"),
    ("NC", "siA", "siB"),
    ("wt", "het", "hom"),
    ("Ctl", "IL4", "IL13"),
)


def sample_names(draw: Draw, texts: list[str]) -> list[str]:
    """Unique names that begin with the texts."""
    ending = draw.pick(ENDINGS)
    if any(t[-1:].isdigit() for t in texts) and ending == "{n}":
        ending = "_{n}"
    names = []
    for serial, (text, n) in enumerate(zip(texts, replicate_numbers(texts), strict=True), start=1):
        names.append(text + ending.format(n=n, serial=serial, letter="ABCDEFGHIJKLMNOP"[n - 1]))
    return names


def shuffled_rows(draw: Draw, table: pd.DataFrame) -> pd.DataFrame:
    """The table in another order, now and then."""
    return table.iloc[draw.shuffled(range(len(table)))] if draw.maybe(0.3) else table


def names_carry_groups(draw: Draw) -> Drawn:
    """No table at all: `WT_1`, `KO_2`."""
    a, b, reference = draw.pick(PLAIN_NAMES)
    values: tuple[str, ...] = (a, b)
    if draw.maybe(0.25):
        values, reference = draw.pick(THREE_NAMES), 0
    factor = Levels(key="name", values=values, shorts=values, reference=reference)
    sheet = cross(draw, [factor])
    order = draw.shuffled(range(len(sheet))) if draw.maybe(0.3) else list(range(len(sheet)))
    cells = [sheet.cells[i] for i in order]
    names = sample_names(draw, [values[c[0]] for c in cells])
    table = pd.DataFrame(index=pd.Index(names, dtype=object))
    return Drawn(table=table, truth=by_titles(names, Sheet(draw, [factor], cells)))


def plain_sample_sheet(draw: Draw) -> Drawn:
    """A samples.tsv with a column or two beside the names."""
    factor = any_factor(draw)
    sheet = cross(draw, [factor])
    key = draw.pick(
        ("condition", "group", "Condition", "Group", "genotype", "treatment", "Treatment", "class")
    )
    texts = factor.shorts if draw.maybe(0.3) else factor.values
    factor = Levels(key=key, values=texts, shorts=factor.shorts, reference=factor.reference)
    columns = {key: [texts[c[0]] for c in sheet.cells]}
    if draw.maybe(0.4):
        columns[draw.pick(("replicate", "Replicate", "rep"))] = [str(n) for n in sheet.replicate()]
    if draw.maybe(0.3):
        columns["file"] = [f"counts_{i}.txt" for i in range(1, len(sheet) + 1)]
    telling = draw.maybe(0.5)
    shorts = [factor.shorts[c[0]].replace(" ", "") for c in sheet.cells]
    names = sample_names(draw, shorts if telling else ["S"] * len(sheet))
    table = shuffled_rows(draw, pd.DataFrame(columns, index=pd.Index(names), dtype=object))
    weak = by_titles(names, Sheet(draw, [factor], sheet.cells))
    truth = weak if texts is factor.shorts else crossed_truth(names, sheet.cells, [factor])
    return Drawn(table=table, truth=truth)


TEMPLATES = tuple(Template(f.__name__, f) for f in (names_carry_groups, plain_sample_sheet))

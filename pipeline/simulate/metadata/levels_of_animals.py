"""Factors that are what an animal or a cell is: genotype, strain, tissue."""

from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels import Levels, make_levels
from pipeline.simulate.metadata.words_biology import CELLS, GENES, TISSUES

# Wild type and knock-out, as values and as short forms; `g` is the gene.
KNOCKOUTS = (
    ("WT", "{g}-/-", "WT", "{g}KO"),
    ("WT", "{g} KO", "WT", "KO"),
    ("wild type", "{g} knockout", "WT", "KO"),
    ("wild type", "{g}-/-", "wt", "ko"),
    ("wild-type", "{g} knock-out", "WT", "{g}-KO"),
    ("Wild type", "{g}-null", "WT", "null"),
    ("wildtype", "{g} deficient", "WT", "{g}def"),
    ("{g}+/+", "{g}-/-", "WT", "KO"),
    ("{g} +/+", "{g} -/-", "{g}+/+", "{g}-/-"),
    ("{g}(+/+)", "{g}(-/-)", "wt", "{g}"),
    ("+/+", "-/-", "WT", "KO"),
    ("{g} WT", "{g} KO", "{g}WT", "{g}KO"),
    ("WT littermate", "{g} mutant", "WT", "MUT"),
    ("wild type littermate control", "{g} homozygous knockout", "LM", "HO"),
    ("control", "{g} cKO", "ctrl", "cKO"),
    ("Control", "{g} conditional knockout", "Con", "CKO"),
    ("Ctrl", "{g}-cKO", "C", "KO"),
    ("wt", "ko", "wt", "ko"),
    ("wild type", "{g}tm1a/tm1a", "WT", "HOM"),
    ("C57BL/6J wild type", "{g} knockout (C57BL/6J)", "B6", "{g}KO"),
    ("WT (+/+)", "KO (-/-)", "WT", "KO"),
    ("parental", "{g} CRISPR knockout", "par", "{g}KO"),
    ("wild type (WT)", "{g} knockout (KO)", "WT", "KO"),
    ("{g} wildtype", "{g} mutant", "WT", "mut"),
)
MUTANTS = ("{g}KO", "{g}-/-", "{g} knockout", "{g} null", "{g} mutant", "{g} cKO")


def knockout(draw: Draw, n: int = 2) -> Levels:
    """Wild type and one knock-out, or several."""
    genes = draw.some(GENES, n - 1)
    if n == 2:
        texts = [t.format(g=genes[0]) for t in draw.pick(KNOCKOUTS)]
        return make_levels(
            draw, "genotype", [(texts[0], texts[2]), (texts[1], texts[3])], reference=0
        )
    wild = draw.pick(
        ("WT", "wild type", "wild-type", "Wild Type", "wildtype", "WT control", "control")
    )
    style = draw.pick(MUTANTS)
    pairs = [(wild, "WT"), *((style.format(g=g), g + "KO") for g in genes)]
    return make_levels(draw, "genotype", pairs, reference=0)


def tissue(draw: Draw, n: int = 2) -> Levels:
    """Tissues, none of which is a reference."""
    chosen = draw.some(sorted(set(TISSUES)), n)
    if draw.maybe(0.4):
        chosen = (
            [t.capitalize() for t in chosen] if draw.maybe(0.5) else [t.title() for t in chosen]
        )
    return make_levels(draw, "tissue", [(t, t.replace(" ", "")) for t in chosen])


def cell_type(draw: Draw, n: int = 2) -> Levels:
    """Cell types or lines, none of which is a reference."""
    return make_levels(draw, "cell", [(c, s) for s, c in draw.some(CELLS, n)])

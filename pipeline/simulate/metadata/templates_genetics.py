"""Genotypes and constructs in the many ways that geneticists write them."""

from pipeline.simulate.metadata.answer import Contrast, Drawn, Samples, Truth
from pipeline.simulate.metadata.crossing import (
    Cell,
    accepting,
    crossed_truth,
    groups_of,
    truth_of,
)
from pipeline.simulate.metadata.draw import Draw, words
from pipeline.simulate.metadata.levels import make_levels
from pipeline.simulate.metadata.levels_of_treatment import knockdown
from pipeline.simulate.metadata.sheet import Sheet, cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_plain import told
from pipeline.simulate.metadata.words_biology import GENES, STRAINS

ZYGOSITY = (
    (("WT", "WT"), ("Het", "Het"), ("KO", "KO")),
    (("wild type", "WT"), ("heterozygous", "HET"), ("homozygous", "HOM")),
    (("{g}+/+", "{g}+/+"), ("{g}+/-", "{g}+/-"), ("{g}-/-", "{g}-/-")),
    (("+/+", "wt"), ("+/-", "het"), ("-/-", "ko")),
    (("wild-type", "wt"), ("{g} heterozygote", "het"), ("{g} homozygote", "homo")),
    (("{g} WT/WT", "WT"), ("{g} WT/KO", "HT"), ("{g} KO/KO", "KO")),
    (("wt/wt", "wtwt"), ("wt/mut", "wtmut"), ("mut/mut", "mutmut")),
    (("WT", "WT"), ("{g} R451C/+", "Het"), ("{g} R451C/R451C", "Hom")),
    (("Wildtype", "WT"), ("Heterozygous {g} knockout", "Het"), ("Homozygous {g} knockout", "Homo")),
)


def zygosity(draw: Draw) -> Drawn:
    """Wild type, heterozygous, homozygous, or two of them."""
    gene = draw.pick(GENES)
    pairs = [(v.format(g=gene), s.format(g=gene)) for v, s in draw.pick(ZYGOSITY)]
    if draw.maybe(0.2):
        pairs = pairs[:2]
    factor = make_levels(draw, "genotype", pairs, reference=0)
    return told(cross(draw, [factor]).show()).study()


# The reference, the test, and their short forms; `g` the gene, `c` the driver of Cre.
FLOXED = (
    ("{g}fl/fl", "{g}fl/fl;{c}-Cre", "fl", "cKO"),
    ("{g}f/f", "{g}f/f;{c}-Cre", "ff", "ffCre"),
    ("{g}f/f", "{g}f/f {c}Cre", "CTRL", "KO"),
    ("{g} fl/fl", "{g} fl/fl {c}-Cre+", "flfl", "Cre"),
    ("{g}flox/flox", "{c}-Cre;{g}flox/flox", "flox", "cKO"),
    ("{g} flox/flox", "{c}-Cre/+; {g} flox/flox", "fx", "KO"),
    ("{g}fl/fl {c}-Cre-", "{g}fl/fl {c}-Cre+", "CreNeg", "CrePos"),
    ("{g}fl/fl; {c}-Cre negative", "{g}fl/fl; {c}-Cre positive", "neg", "pos"),
    ("{g}fl/fl {c}-cre(-)", "{g}fl/fl {c}-cre(+)", "Cre-", "Cre+"),
    ("{g}+/+;{c}-Cre", "{g}fl/fl;{c}-Cre", "WT", "KO"),
    ("{c}-Cre+ {g}wt/wt", "{c}-Cre+ {g}fl/fl", "ctl", "cKO"),
    ("{g}F/F", "{g}Δ{c}", "FF", "delta"),
    ("{g}loxP/loxP", "{g}loxP/loxP {c}-Cre", "lox", "loxCre"),
    ("{g}lox/lox", "{c}-CreERT2;{g}lox/lox", "lox", "iKO"),
    ("{g} floxed", "{c}-Cre {g} floxed", "F", "CF"),
    ("{g}fl/fl, no Cre", "{g}fl/fl, {c}-Cre", "noCre", "Cre"),
    ("{c}-Cre", "{c}-Cre; {g}fl/fl", "Cre", "CreFl"),
    ("{g}fl/+ {c}-Cre", "{g}fl/fl {c}-Cre", "het", "cKO"),
)
DRIVERS = words(
    "Vav Lyz2 LysM CD4 Cd19 Mx1 Alb Adipoq Myh6 Nestin Camk2a Syn1 GFAP Villin Vil1 Foxp3 Cdh5 "
    "Tie2 Ucp1 Pdx1 Ins1 K14 Krt5 Col2a1 Prx1 Osx Sftpc Cx3cr1 Itgax CD11c Tek Mck HSA Wnt1 Emx1 "
    "Six2 Ksp"
)


def floxed_and_cre(draw: Draw) -> Drawn:
    """Floxed without Cre is the control; where all have Cre, the unfloxed."""
    gene, driver = draw.pick(GENES), draw.pick(DRIVERS)
    a, b, short_a, short_b = (t.format(g=gene, c=driver) for t in draw.pick(FLOXED))
    factor = make_levels(draw, "genotype", [(a, short_a), (b, short_b)], reference=0)
    sheet = cross(draw, [factor]).show()
    return told(sheet, 0.6).study()


def _single_and_double(groups: dict[Cell, Samples]) -> tuple[Truth, Truth]:
    """Four groups 0, A, B, AB: all against 0, or each simple contrast of the crossing."""
    none, a, b, both = (groups[(i,)] for i in range(4))
    star = {Contrast(g, none, True) for g in (a, b, both)}
    simple = {Contrast(a, none, True), Contrast(b, none, True)}
    simple |= {Contrast(both, a, True), Contrast(both, b, True)}
    return truth_of(star), truth_of(simple)


def four_groups(names: list[str], sheet: Sheet, order: list[str]) -> Truth:
    """The truth of neither, one, the other, both: in a star, as a crossing, or with all of it."""
    texts = list(sheet.factors[0].values)
    groups = groups_of(names, [(order.index(texts[c[0]]),) for c in sheet.cells])
    star, simple = _single_and_double(groups)
    return accepting(star, simple, truth_of(star.contrasts | simple.contrasts))


def double_knockout(draw: Draw) -> Drawn:
    """Wild type, two single knock-outs, and the double."""
    a, b = draw.some(GENES, 2)
    wild = draw.pick(("WT", "wild type", "wildtype", "WT"))
    style = draw.pick(("{}KO", "{}-/-", "{} KO", "{} knockout"))
    double = draw.pick(
        (
            f"{a}/{b} DKO",
            f"{style.format(a)};{style.format(b)}",
            f"{a}-/-{b}-/-",
            f"{a} {b} double knockout",
        )
    )
    pairs = [
        (wild, "WT"),
        (style.format(a), f"{a}KO"),
        (style.format(b), f"{b}KO"),
        (double, "DKO"),
    ]
    factor = make_levels(draw, "genotype", pairs, reference=0)
    folded = {v.casefold().replace("_", "-").replace(" ", "-"): v for v in factor.values}
    order = [folded[p.casefold().replace("_", "-").replace(" ", "-")] for p, _ in pairs]
    sheet = told(cross(draw, [factor], high=4).show())
    return sheet.study(lambda names: four_groups(names, sheet, order))


def rescue(draw: Draw) -> Drawn:
    """Wild type, knock-out, and the knock-out with the gene put back."""
    gene = draw.pick(GENES)
    texts = draw.pick(
        (
            ("WT", "{g} KO", "{g} KO + {g}"),
            ("wild type", "{g}-/-", "{g}-/- rescue"),
            ("WT", "{g}KO", "{g}KO + WT {g} re-expression"),
            ("parental", "{g} knockout", "{g} knockout rescued with {g}"),
            ("control", "{g}-/-", "{g}-/- + AAV-{g}"),
        )
    )
    shorts = draw.pick((("WT", "KO", "RES"), ("WT", "KO", "KO+OE"), ("wt", "ko", "resc")))
    factor = make_levels(
        draw,
        "genotype",
        [(t.format(g=gene), s) for t, s in zip(texts, shorts, strict=True)],
        reference=0,
    )
    order = [factor.shorts.index(s) for s in shorts]
    sheet = told(cross(draw, [factor], high=4).show())

    def truth(names: list[str]) -> Truth:
        groups = groups_of(names, sheet.cells)
        wild, null, back = (groups[(i,)] for i in order)
        loss = Contrast(null, wild, True)
        star = {loss, Contrast(back, wild, True)}
        chain = {loss, Contrast(back, null, True)}
        return accepting(truth_of(star), truth_of(chain), truth_of(star | chain))

    return sheet.study(truth)


def strain_comparison(draw: Draw) -> Drawn:
    """Inbred strains: the first, or black 6, is what the others are compared with."""
    black = draw.pick(("C57BL/6J", "C57BL/6", "C57BL/6NJ", "B6"))
    others = [s for s in STRAINS if not s.casefold().startswith("c57") and s != "mixed background"]
    names_ = [*draw.some(others, draw.between(1, 3)), black]
    factor = make_levels(draw, "strain", [(s, s.split("/")[0]) for s in names_])
    sheet = told(cross(draw, [factor], high=4).show())
    hub = next(i for i, v in enumerate(factor.values) if v.casefold().startswith(("c57", "b6")))

    def truth(names: list[str]) -> Truth:
        groups = groups_of(names, sheet.cells)
        star = [Contrast(g, groups[(hub,)], False) for cell, g in groups.items() if cell != (hub,)]
        directed = [Contrast(c.test, c.reference, True) for c in star]
        plain = crossed_truth(names, sheet.cells, sheet.factors)
        return accepting(plain, truth_of(star), truth_of(directed))

    return sheet.study(truth)


VECTORS = (
    ("empty vector", "EV"),
    ("Empty vector", "vec"),
    ("vector control", "VC"),
    ("control vector", "ctrl"),
    ("pcDNA3.1", "pcDNA"),
    ("MSCV-empty", "MSCV"),
    ("pMIG empty", "EV"),
    ("GFP", "GFP"),
    ("AAV-GFP", "AAVGFP"),
    ("eGFP control", "eGFP"),
    ("LacZ", "LacZ"),
    ("Ad-LacZ", "AdLacZ"),
    ("mock transfected", "mock"),
    ("mCherry control", "mCh"),
    ("luciferase", "Luc"),
    ("untransduced", "UT"),
)


def empty_vector(draw: Draw) -> Drawn:
    """A gene overexpressed, against a vector without it."""
    vector = draw.pick(VECTORS)
    genes = draw.some(GENES, draw.pick((1, 1, 2)))
    before = vector[0].split("-")[0] + "-" if "-" in vector[0] and "empty" not in vector[0] else ""
    style = (
        draw.pick(("{}", "{} overexpression", "{} OE", "{} cDNA")) if not before else before + "{}"
    )
    pairs = [vector, *((style.format(g), draw.pick((g, g + "OE"))) for g in genes)]
    factor = make_levels(draw, draw.pick(("knockdown", "genotype")), pairs, reference=0)
    key = draw.pick(("construct", "overexpression", "vector", "transduction", factor.key))
    sheet = cross(draw, [factor])
    sheet.put(key if "rna" not in key and key != "knockdown" else "construct", sheet.level(0))
    return told(sheet).study()


def interfering_rna(draw: Draw) -> Drawn:
    """An inert RNA, and one or two against the gene: apart, or as one group."""
    factor = knockdown(draw, draw.pick((2, 2, 3)))
    if draw.maybe(0.6):
        return told(cross(draw, [factor]).show()).study()
    gene = draw.pick(GENES)
    tool = draw.pick(("sh", "si", "sg"))
    control = {
        "sh": [("shScr", "shScr"), ("shLuc", "shLuc"), ("shControl", "shCtrl"), ("shNC", "shNC")],
        "si": [("siCtrl", "siCtrl"), ("siScramble", "siScr"), ("siNT", "siNT")],
        "sg": [("sgCtrl", "sgCtrl"), ("sgNTC", "sgNTC"), ("sgRosa26", "sgRosa")],
    }[tool]
    style = draw.pick(
        (("{}{}#1", "{}{}#2"), ("{}{}-1", "{}{}-2"), ("{}{}_A", "{}{}_B"), ("{}{} #1", "{}{} #2"))
    )
    pairs = [draw.pick(control), *((s.format(tool, gene), s.format(tool, gene)) for s in style)]
    two = make_levels(draw, "knockdown", pairs, reference=0)
    sheet = told(cross(draw, [two]).show())

    def truth(names: list[str]) -> Truth:
        merged = truth_of(
            [
                Contrast(
                    frozenset(
                        n for n, c in zip(names, sheet.cells, strict=True) if c[0] != two.hub
                    ),
                    frozenset(
                        n for n, c in zip(names, sheet.cells, strict=True) if c[0] == two.hub
                    ),
                    True,
                )
            ]
        )
        return accepting(crossed_truth(names, sheet.cells, [two]), merged)

    return sheet.study(truth)


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (
        zygosity,
        floxed_and_cre,
        double_knockout,
        rescue,
        strain_comparison,
        empty_vector,
        interfering_rna,
    )
)

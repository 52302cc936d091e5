"""Kept apart: diets, antibodies, solvents, many levels of one treatment."""

from dataclasses import replace

from pipeline.simulate.metadata.answer import Contrast, Drawn, Samples, Truth
from pipeline.simulate.metadata.crossing import (
    accepting,
    crossed_truth,
    groups_of,
    refusal,
    truth_of,
)
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.held_out_words import OTHER_DRUGS, other_drug, other_mutant
from pipeline.simulate.metadata.levels import Levels, make_levels
from pipeline.simulate.metadata.levels_of_treatment import drug, infection, knockdown, stimulus
from pipeline.simulate.metadata.sheet import cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_plain import told


def keyed(draw: Draw, keys: tuple[str, ...], pairs: list[tuple[str, str]]) -> Levels:
    """Levels under one of these keys; the first is the reference."""
    return replace(make_levels(draw, "treatment", pairs, reference=0), key=draw.pick(keys))


def chain_or_star(first: Samples, second: Samples, third: Samples) -> Truth:
    """Harm against healthy, cure against harm; also right: all against healthy, or the first alone."""
    harm = Contrast(second, first, True)
    chain = {harm, Contrast(third, second, True)}
    star = {harm, Contrast(third, first, True)}
    return accepting(
        truth_of(chain),
        truth_of(star),
        truth_of(chain | star),
        truth_of({harm}),
        refusal("several_factors"),
    )


def several_levels_one_control(draw: Draw) -> Drawn:
    """Three to six levels, one of them the control."""
    maker = draw.pick((drug, other_drug, other_drug, other_mutant, infection, knockdown, stimulus))
    return told(cross(draw, [maker(draw, draw.between(3, 6))], high=4).show()).study()


DIETS = (
    ("chow", "chow"),
    ("normal chow", "NC"),
    ("standard chow", "SC"),
    ("normal diet", "ND"),
    ("control diet", "CD"),
    ("low fat diet", "LFD"),
    ("LFD (10% kcal fat)", "LFD"),
    ("regular chow diet", "RC"),
    ("standard diet", "SD"),
    ("NCD", "NCD"),
    ("Chow", "Chow"),
)
FEEDS = (
    ("high fat diet", "HFD"),
    ("HFD", "HFD"),
    ("60% high-fat diet", "HFD"),
    ("HFD (60% kcal fat)", "HFD"),
    ("western diet", "WD"),
    ("high-fat high-sucrose", "HFHS"),
    ("MCD diet", "MCD"),
    ("ketogenic diet", "KD"),
    ("calorie restricted", "CR"),
    ("high salt diet", "HSD"),
    ("low protein diet", "LP"),
    ("fructose", "Fru"),
    ("choline-deficient HFD", "CDHFD"),
    ("GAN diet", "GAN"),
)


def diet(draw: Draw) -> Drawn:
    """What the mice ate, against chow; perhaps a drug beside the rich diet."""
    keys = ("diet", "diet", "feeding", "treatment", "nutrition", "food", "diet group", "condition")
    chow, rich = draw.pick(DIETS), draw.pick(FEEDS)
    pairs = [chow, rich]
    if draw.maybe(0.2):
        name = draw.pick(OTHER_DRUGS)
        pairs.append((f"{rich[0]} + {name}", f"{rich[1]}{name[:4]}"))
        factor = keyed(draw, keys, pairs)
        order = [factor.shorts.index(s) for _, s in pairs]
        sheet = told(cross(draw, [factor]).show())

        def truth(names: list[str]) -> Truth:
            groups = groups_of(names, sheet.cells)
            return chain_or_star(*(groups[(i,)] for i in order))

        return sheet.study(truth)
    if draw.maybe(0.2):
        pairs.append(draw.pick([f for f in FEEDS if f[1] != rich[1] and f[0] != rich[0]]))
    return told(cross(draw, [keyed(draw, keys, pairs)]).show()).study()


ISOTYPES = (
    ("IgG", "IgG"),
    ("isotype control", "iso"),
    ("IgG2a isotype control", "IgG2a"),
    ("control IgG", "cIgG"),
    ("rat IgG", "rIgG"),
    ("Isotype", "Iso"),
    ("IgG1 control", "IgG1"),
    ("isotype antibody", "Ab_ctrl"),
    ("mouse IgG2b", "IgG2b"),
)
TARGETS = (
    ("PD-1", "PD1"),
    ("PD-L1", "PDL1"),
    ("CTLA-4", "CTLA4"),
    ("IL-17A", "IL17A"),
    ("CSF1R", "CSF1R"),
    ("CD40", "CD40"),
    ("TNF", "TNF"),
    ("IFNAR1", "IFNAR1"),
    ("Ly6G", "Ly6G"),
    ("VEGFR2", "VEGFR2"),
    ("CD8a", "CD8a"),
    ("TGF-beta", "TGFb"),
    ("IL-6R", "IL6R"),
)


def isotype_control(draw: Draw) -> Drawn:
    """An antibody against its isotype."""
    style, short = draw.pick(
        (
            ("anti-{}", "anti{}"),
            ("α{}", "a{}"),
            ("a{}", "a{}"),
            ("anti-{} antibody", "anti{}"),
            ("{} blockade", "b{}"),
        )
    )
    chosen = draw.some(TARGETS, draw.pick((1, 1, 2)))
    pairs = [draw.pick(ISOTYPES), *((style.format(t), short.format(s)) for t, s in chosen)]
    keys = ("treatment", "antibody", "treatment", "immunotherapy", "antibody treatment", "group")
    return told(cross(draw, [keyed(draw, keys, pairs)]).show()).study()


def solvent_and_drug(draw: Draw) -> Drawn:
    """`DMSO` against `DMSO + drug`; or each of them with a stimulus, or with and without it."""
    solvent, name = draw.pick(("DMSO", "DMSO", "EtOH", "vehicle", "PBS")), draw.pick(OTHER_DRUGS)
    glue = draw.pick((" + ", "+", " and ", "/", " plus "))
    keys = ("treatment", "treatment", "condition", "compound", "group", "treated with")
    kind = draw.pick(("added", "added", "crossed", "three"))
    if kind == "added":
        pairs = [
            (solvent, solvent),
            (f"{solvent}{glue}{name}", draw.pick((name[:8], f"{solvent}_{name[:5]}"))),
        ]
        return told(cross(draw, [keyed(draw, keys, pairs)]).show()).study()
    signal = draw.pick(("LPS", "IL-1b", "TNFa", "TGFb", "IFNg", "PMA"))
    pairs = [(solvent, solvent), (f"{solvent}{glue}{signal}", f"{solvent}.{signal}")]
    pairs += [(name, name[:8])] if kind == "crossed" else []
    pairs.append((f"{name}{glue}{signal}", f"{name[:8]}.{signal}"))
    factor = keyed(draw, keys, pairs)
    order = [factor.shorts.index(s) for _, s in pairs]
    sheet = told(cross(draw, [factor], high=4).show())

    def truth(names: list[str]) -> Truth:
        groups = groups_of(names, sheet.cells)
        of = [groups[(i,)] for i in order]
        if kind == "three":
            return chain_or_star(*of)
        none, signalled, drugged, both = of
        simple = {Contrast(signalled, none, True), Contrast(drugged, none, True)}
        simple |= {Contrast(both, signalled, True), Contrast(both, drugged, True)}
        star = {Contrast(g, none, True) for g in (signalled, drugged, both)}
        return accepting(truth_of(simple), truth_of(star), truth_of(simple | star))

    return sheet.study(truth)


VEHICLES = (
    ("vehical", "veh", False),
    ("vehicule", "veh", False),
    ("Vehilce", "V", False),
    ("veh.", "veh", False),
    ("VEH", "VEH", False),
    ("vehicle ctrl", "vc", False),
    ("Vehicle (0.5% CMC)", "CMC", False),
    ("ethanol (vehicle)", "EtOH", False),
    ("vehicle: sesame oil", "oil", False),
    ("oral gavage of vehicle", "gavage", False),
    ("veh-treated", "veh", False),
    ("solvent", "solv", False),
    ("EtOH", "EtOH", True),
    ("sunflower oil", "SO", True),
    ("0.5% methylcellulose", "MC", True),
    ("PEG400", "PEG", True),
    ("Captisol", "Cap", True),
    ("HBSS", "HBSS", True),
    ("carrier", "carr", True),
    ("diluent", "dil", True),
    ("10% cyclodextrin", "CDX", True),
    ("sterile water", "water", True),
    ("NaCl 0.9%", "NaCl", True),
    ("mineral oil", "MO", True),
)


def vehicle_spellings(draw: Draw) -> Drawn:
    """Vehicle misspelt, shortened, or named by what it was."""
    value, short, unnamed = draw.pick(VEHICLES)
    name = draw.pick(OTHER_DRUGS)
    factor = keyed(
        draw,
        ("treatment", "drug", "compound", "agent", "group"),
        [(value, short), (name, name[:7])],
    )
    sheet = told(cross(draw, [factor]).show())

    def truth(names: list[str]) -> Truth:
        known = crossed_truth(names, sheet.cells, [factor])
        free = crossed_truth(names, sheet.cells, [replace(factor, reference=None)])
        return accepting(known, free) if unnamed else known

    return sheet.study(truth)


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (
        several_levels_one_control,
        diet,
        isotype_control,
        solvent_and_drug,
        vehicle_spellings,
    )
)

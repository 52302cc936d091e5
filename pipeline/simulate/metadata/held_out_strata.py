"""Kept apart: tissues, populations, sexes, species, experiments side by side, crossings with holes."""

from dataclasses import replace

from pipeline.simulate.metadata.answer import Drawn, Samples, Truth
from pipeline.simulate.metadata.crossing import (
    Cell,
    accepting,
    crossed_truth,
    groups_of,
    refusal,
    simple_contrasts,
    truth_of,
)
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.held_out_words import either, other_drug, other_mutant
from pipeline.simulate.metadata.levels import Levels, make_levels
from pipeline.simulate.metadata.levels_of_animals import cell_type, knockout, tissue
from pipeline.simulate.metadata.levels_of_treatment import (
    drug,
    infection,
    injury,
    knockdown,
    stimulus,
)
from pipeline.simulate.metadata.sheet import Sheet, cross
from pipeline.simulate.metadata.template import Template, unlike_keys
from pipeline.simulate.metadata.templates_plain import told


def tissues_with_treatment(draw: Draw) -> Drawn:
    """A treatment or genotype in several tissues, which may be of the same animals."""
    place = draw.pick((tissue, tissue, cell_type))
    n = draw.pick((2, 2, 3, 4))
    maker = draw.pick((knockout, other_mutant, other_drug, injury, infection))
    factors = unlike_keys(draw, lambda d: place(d, n).as_stratum(), lambda d: maker(d, 2))
    animals = draw.between(2, 4)
    cells: list[Cell] = [(p, t) for p in range(n) for t in (0, 1) for _ in range(animals)]
    sheet = Sheet(draw, factors, cells).show()
    columns: set[str] = set()
    if draw.maybe(0.5):
        ids = [f"{c[1] * animals + i % animals + 1}" for i, c in enumerate(cells)]
        columns.add(sheet.put_kind("subject", ids))
    told(sheet)

    def truth(names: list[str]) -> Truth:
        answer = crossed_truth(names, cells, factors)
        beside = tuple(replace(a, optional=frozenset(columns)) for a in answer.acceptable)
        return replace(answer, optional=frozenset(columns), acceptable=beside)

    return sheet.study(truth)


POPULATIONS = (
    (("CD44hi CD62Llo", "EM"), ("CD44lo CD62Lhi", "Nv")),
    (("Ly6Chi monocytes", "Ly6Chi"), ("Ly6Clo monocytes", "Ly6Clo")),
    (("CD4 SP", "CD4SP"), ("CD8 SP", "CD8SP"), ("DP", "DP")),
    (("DN thymocytes", "DN"), ("DP thymocytes", "DP"), ("SP thymocytes", "SP")),
    (("CMP", "CMP"), ("GMP", "GMP"), ("MEP", "MEP")),
    (("CLP", "CLP"), ("HSC", "HSC"), ("MPP", "MPP")),
    (("EpCAMhi", "EpCAMhi"), ("EpCAMlo", "EpCAMlo")),
    (("Lgr5-GFP high", "GFPhi"), ("Lgr5-GFP low", "GFPlo")),
    (("follicular B cells", "FoB"), ("marginal zone B cells", "MZB")),
    (("germinal center B cells", "GCB"), ("plasma cells", "PC")),
    (("cDC1", "cDC1"), ("cDC2", "cDC2"), ("pDC", "pDC")),
    (("Tfh", "Tfh"), ("Tfr", "Tfr"), ("Treg", "Treg")),
    (("basal", "B"), ("luminal progenitor", "LP"), ("mature luminal", "ML")),
    (("satellite cells", "SC"), ("FAPs", "FAP")),
    (("GFP high", "high"), ("GFP intermediate", "int"), ("GFP low", "low")),
)


def sorted_populations(draw: Draw) -> Drawn:
    """Sorted cells, none of which is a control."""
    factor = make_levels(draw, "cell", draw.pick(POPULATIONS))
    keys = (
        "cell type",
        "sorted population",
        "cell population",
        "facs gate",
        "population",
        "cell subset",
        "phenotype",
    )
    factor = replace(factor, key=draw.pick(keys), stratum=True)
    return told(cross(draw, [factor]).show()).study()


def sex_alone(draw: Draw) -> Drawn:
    """Males and females, and nothing else to compare."""
    pair = draw.pick(
        (("male", "female"), ("M", "F"), ("Male", "Female"), ("XY male", "XX female"), ("m", "f"))
    )
    shorts = draw.pick((("M", "F"), ("male", "female"), ("XY", "XX")))
    factor = Levels(
        key=draw.pick(("sex", "sex", "gender", "mouse sex")), values=pair, shorts=shorts
    )
    return told(cross(draw, [factor], low=2).show()).study()


def crossed_unbalanced(draw: Draw) -> Drawn:
    """Two factors whose cells have one to seven samples, or of which one cell is empty."""
    first = draw.pick((knockout, other_mutant))
    second = draw.pick((other_drug, drug, stimulus, infection))
    n = draw.pick((2, 2, 3))
    factors = unlike_keys(draw, lambda d: first(d, 2), lambda d: second(d, n))
    every = [(g, t) for g in (0, 1) for t in range(n)]
    poor = draw.pick([c for c in every if n == 2 or c[1] != factors[1].hub])
    cells: list[Cell] = []
    for cell in every:
        cells += [cell] * (draw.between(0, 1) if cell == poor else draw.between(2, 6))
    return told(Sheet(draw, factors, cells).show()).study()


def two_experiments(draw: Draw) -> Drawn:
    """Two cell types, each with a treatment and a control of its own."""
    place = cell_type(draw, 2).as_stratum()
    a = draw.pick((knockdown, stimulus))(draw, 2)
    while True:
        b = draw.pick((other_drug, drug, infection))(draw, 2)
        if not {v.casefold() for v in b.values} & {v.casefold() for v in a.values}:
            break
    n = draw.replicates(2, 4)
    cells: list[Cell] = [(0, i) for i in (0, 1) for _ in range(n)]
    cells += [(1, i) for i in (2, 3) for _ in range(n)]
    both = Levels(
        key="treatment",
        values=(*a.values, *b.values),
        shorts=(*a.shorts, *(s + "'" * (s in a.shorts) for s in b.shorts)),
    )
    sheet = told(Sheet(draw, [place, both], cells).show())

    def truth(names: list[str]) -> Truth:
        groups = groups_of(names, cells)
        first: dict[Cell, Samples] = {c[1:]: g for c, g in groups.items() if c[0] == 0}
        found = simple_contrasts(first, [a])
        second: dict[Cell, Samples] = {(c[1] - 2,): g for c, g in groups.items() if c[0] == 1}
        found |= simple_contrasts(second, [b])
        return accepting(truth_of(found), refusal("several_factors"))

    return sheet.study(truth)


def other_species_samples(draw: Draw) -> Drawn:
    """Human samples beside those of the mouse, in the same groups or in their own."""
    factor = either(draw)
    n = draw.between(2, 4)
    cells: list[Cell] = [(level,) for level in (0, 1) for _ in range(n)]
    human: list[Cell] = [(level,) for level in (0, 1) for _ in range(draw.between(1, 3))]
    sheet = Sheet(draw, [factor], [*cells, *human]).show()
    sheet.organism = ["Mus musculus"] * len(cells) + ["Homo sapiens"] * len(human)
    if draw.maybe(0.5):
        line = draw.pick(("HEK293T", "HeLa", "MCF-7", "THP-1", "A549", "iPSC"))
        sheet.put("cell line", [None] * len(cells) + [line] * len(human))
    table, names = told(sheet).finish()
    kept = len(cells)
    return Drawn(
        table=table,
        truth=crossed_truth(names[:kept], cells, [factor]),
        excluded=frozenset(names[kept:]),
    )


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (
        tissues_with_treatment,
        sorted_populations,
        sex_alone,
        crossed_unbalanced,
        two_experiments,
        other_species_samples,
    )
)

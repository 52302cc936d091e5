"""One factor in a characteristic: clear, spelt in several ways, or half missing."""

from dataclasses import replace

from pipeline.simulate.metadata.answer import Drawn, Truth
from pipeline.simulate.metadata.crossing import (
    accepting,
    crossed_truth,
    groups_of,
    refusal,
    simple_contrasts,
    truth_of,
)
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels import Levels
from pipeline.simulate.metadata.levels_of_animals import knockout
from pipeline.simulate.metadata.levels_of_treatment import any_treatment, drug, stimulus
from pipeline.simulate.metadata.sheet import Sheet, cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.words_biology import GENES
from pipeline.simulate.metadata.words_keys import KEYS


def any_factor(draw: Draw) -> Levels:
    """Two levels: a genotype or a treatment."""
    return knockout(draw) if draw.maybe(0.4) else any_treatment(draw)


def told(sheet: Sheet, chance: float = 0.7) -> Sheet:
    """The sheet, mostly with titles that tell the groups too, and with its furniture."""
    if sheet.draw.maybe(chance):
        sheet.tell()
    return sheet.furnish()


def plain_two_groups(draw: Draw) -> Drawn:
    """Control and one other."""
    return told(cross(draw, [any_factor(draw)]).show()).study()


WILD = (
    "WT",
    "wt",
    "wild type",
    "wildtype",
    "wild-type",
    "Wild type",
    "Wild Type",
    "WILD TYPE",
    "Wildtype",
)
NULL = ("KO", "ko", "knockout", "knock-out", "knock out", "Knockout", "Knock-out", "KnockOut")


def wild_type_spellings(draw: Draw) -> Drawn:
    """The same genotype spelt in several ways."""
    gene = draw.pick(GENES)
    factor = Levels(
        key=draw.pick(KEYS["genotype"]),
        values=("wild type", "knockout"),
        shorts=("WT", draw.pick(("KO", f"{gene}KO"))),
        reference=0,
    )
    sheet = cross(draw, [factor], low=3)
    before = draw.pick(("", "", f"{gene} ", f"{gene}-"))
    numbers = sheet.replicate()
    most = min(4, min(sum(c == (level,) for c in sheet.cells) for level in (0, 1)) - 1)
    spellings = [draw.some(WILD, draw.between(2, most)), draw.some(NULL, draw.between(1, most))]
    texts = [
        spellings[c[0]][n % len(spellings[c[0]])] for c, n in zip(sheet.cells, numbers, strict=True)
    ]
    sheet.put(factor.key, [before + t for t in texts])
    return told(sheet, 0.5).study()


def missing_means_control(draw: Draw) -> Drawn:
    """The controls have no cell, or a dash, where the others say what they were given."""
    factor = draw.pick((drug, stimulus))(draw, draw.pick((2, 2, 3)))
    sheet = cross(draw, [factor])
    blank = draw.pick((None, None, "n/a", "NA", "-", "N/A", "not applicable", "none", "None", "no"))
    sheet.put(
        factor.key, [blank if c[0] == factor.hub else factor.values[c[0]] for c in sheet.cells]
    )
    telling = draw.maybe(0.6)
    if telling:
        sheet.tell()
    sheet.furnish()
    unsure = not telling and blank not in ("none", "None", "no")

    def truth_when(names: list[str]) -> Truth:
        truth = crossed_truth(names, sheet.cells, sheet.factors)
        if not unsure:
            return truth
        either = crossed_truth(names, sheet.cells, [replace(factor, reference=None)])
        return accepting(truth, either, refusal("one_condition", "no_factor", "no_replicates"))

    return sheet.study(truth_when)


def constants_and_ids(draw: Draw) -> Drawn:
    """One factor among columns that are the same for all, or different for each."""
    sheet = cross(draw, [any_factor(draw)], low=3).show()
    n = len(sheet)
    start = draw.between(100, 9000)
    for _ in range(draw.between(2, 4)):
        start += 1000
        style = draw.pick(("{}", "M{}", "RNA_{}", "ID-{}", "{}.fastq"))
        sheet.put_kind("id", [style.format(start + i) for i in draw.shuffled(range(n))])
    for key, value in draw.some(
        [
            ("rna extraction", "TRIzol"),
            ("diet", "chow"),
            ("kit", "TruSeq stranded mRNA"),
            ("sequencer", "NovaSeq 6000"),
            ("read length", "75"),
            ("time", "24h"),
            ("status", "healthy"),
            ("treatment duration", "4 weeks"),
            ("passage", "3-5"),
            ("cage", "SPF"),
        ],
        draw.between(3, 6),
    ):
        if key not in sheet.columns:
            sheet.put(key, [value] * n)
    return told(sheet, 0.5).study()


def ragged_characteristics(draw: Draw) -> Drawn:
    """Cells that are missing here and there, or the factor under two keys."""
    factor = any_factor(draw)
    sheet = cross(draw, [factor], low=3)
    values = sheet.level(0)
    lost: int | None = None
    habit = draw.pick(("others", "two keys", "one cell"))
    if habit == "two keys":
        other = draw.pick([k for k in ("phenotype", "status", "group") if k != factor.key])
        first = [n % 2 == 1 for n in sheet.replicate()]
        sheet.put(factor.key, [v if f else None for v, f in zip(values, first, strict=True)])
        sheet.put(other, [None if f else v for v, f in zip(values, first, strict=True)])
    elif habit == "one cell":
        lost = draw.between(0, len(sheet) - 1)
        sheet.put(factor.key, [None if i == lost else v for i, v in enumerate(values)])
    else:
        sheet.show()
    sheet.tell().furnish()
    for key in list(sheet.columns):
        whole = sheet.columns[key]
        if key != factor.key and len(set(whole)) == 1:
            sheet.columns[key] = [v if draw.maybe(0.6) else None for v in whole]

    def truth(names: list[str]) -> Truth:
        full = crossed_truth(names, sheet.cells, sheet.factors)
        if lost is None:
            return full
        groups = groups_of(
            [n for i, n in enumerate(names) if i != lost],
            [c for i, c in enumerate(sheet.cells) if i != lost],
        )
        return accepting(full, truth_of(simple_contrasts(groups, sheet.factors)))

    return sheet.study(truth)


def single_sample_level(draw: Draw) -> Drawn:
    """Several levels with one control, of which one has a single sample."""
    factor = draw.pick((drug, any_treatment))(draw, draw.pick((3, 3, 4)))
    lone = draw.pick([i for i in range(len(factor.values)) if i != factor.hub])
    n = draw.replicates(2, 5)
    cells = [(i,) for i in range(len(factor.values)) for _ in range(1 if i == lone else n)]
    return told(Sheet(draw, [factor], cells).show()).study()


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (
        plain_two_groups,
        wild_type_spellings,
        missing_means_control,
        constants_and_ids,
        ragged_characteristics,
        single_sample_level,
    )
)

"""One factor in codes: plus and minus, letters, numbers."""

from dataclasses import replace

from pipeline.simulate.metadata.answer import Drawn, Truth
from pipeline.simulate.metadata.crossing import accepting, crossed_truth
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels import Levels
from pipeline.simulate.metadata.sheet import cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_plain import told

SWITCHES = (
    ("+", "-"),
    ("yes", "no"),
    ("Yes", "No"),
    ("on", "off"),
    ("present", "absent"),
    ("positive", "negative"),
    ("treated", "untreated"),
    ("Treated", "Untreated"),
    ("with", "without"),
    ("1", "0"),
    ("true", "false"),
    ("plus", "minus"),
    ("Y", "N"),
)
SWITCHED = (
    ("dox", "dox"),
    ("doxycycline", "Dox"),
    ("tamoxifen", "Tam"),
    ("4-oht", "4OHT"),
    ("cre", "Cre"),
    ("cre status", "Cre"),
    ("irradiation", "IR"),
    ("antibiotics", "Abx"),
    ("lps", "LPS"),
    ("leptin", "Lep"),
    ("auxin", "IAA"),
    ("light stimulation", "light"),
)


def plus_and_minus(draw: Draw) -> Drawn:
    """A key that names the treatment, with plus and minus as its values."""
    key, short = draw.pick(SWITCHED)
    shorts = draw.pick(
        (
            (f"{short}+", f"{short}-"),
            (f"plus{short}", f"no{short}"),
            (f"{short}_plus", f"{short}_minus"),
            (short, f"no{short}"),
            (f"{short}pos", f"{short}neg"),
        )
    )
    factor = Levels(key=key, values=draw.pick(SWITCHES), shorts=shorts, reference=1)
    return told(cross(draw, [factor]).show()).study()


def _codes(draw: Draw, styles: tuple[str, ...], marks: str) -> Drawn:
    """Two to four coded groups, none of them a reference."""
    n, style = draw.pick((2, 2, 3, 3, 4)), draw.pick(styles)
    values = tuple(style.format(m) for m in marks[:n])
    keys = (
        "group",
        "condition",
        "treatment",
        "treatment group",
        "experimental group",
        "genotype",
        "class",
    )
    shorts = values if draw.maybe(0.5) else tuple(v.replace(" ", "") for v in values)
    factor = Levels(key=draw.pick(keys), values=values, shorts=shorts)
    return told(cross(draw, [factor]).show()).study()


def generic_letters(draw: Draw) -> Drawn:
    """Groups called A, B, C."""
    return _codes(draw, ("{}", "{}", "group {}", "Group {}", "Group_{}", "condition {}"), "ABCD")


def group_numbers(draw: Draw) -> Drawn:
    """Groups called group 1, group 2."""
    styles = (
        "group {}",
        "Group {}",
        "group{}",
        "G{}",
        "GROUP_{}",
        "condition {}",
        "treatment {}",
        "Grp{}",
    )
    return _codes(draw, styles, "1234")


def test_and_control_letters(draw: Draw) -> Drawn:
    """T and C, E and C: most likely a test and its control, or any two letters."""
    values = draw.pick(
        (("T", "C"), ("E", "C"), ("t", "c"), ("Exp", "Con"), ("TX", "CT"), ("Tr", "Ct"))
    )
    factor = Levels(
        key=draw.pick(("group", "treatment", "condition")),
        values=values,
        shorts=values,
        reference=1,
    )
    sheet = told(cross(draw, [factor]).show())

    def truth(names: list[str]) -> Truth:
        either = replace(factor, reference=None)
        return accepting(
            crossed_truth(names, sheet.cells, [factor]), crossed_truth(names, sheet.cells, [either])
        )

    return sheet.study(truth)


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (plus_and_minus, generic_letters, group_numbers, test_and_control_letters)
)

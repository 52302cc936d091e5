"""Factors that have an order: times, doses, ages, stages."""

from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels import Levels, make_levels
from pipeline.simulate.metadata.words_keys import KEYS

HOURS = (
    "{} h",
    "{}h",
    "{} hr",
    "{}hr",
    "{} hours",
    "{} hrs",
    "{}hours",
    "{} h post treatment",
    "{} hpi",
    "t{}",
    "T{}h",
)
DAYS = (
    "day {}",
    "d{}",
    "D{}",
    "Day{}",
    "Day {}",
    "{} days",
    "{}d",
    "day_{}",
    "{} dpi",
    "d.{}",
    "Day-{}",
    "{} day",
)
WEEKS = ("{} weeks", "{}w", "{} wk", "week {}", "W{}", "{} wks", "{}-weeks")
MINUTES = ("{} min", "{}min", "{} minutes", "{}m")
SERIES = (
    (HOURS, (1, 2, 4, 6, 8, 12, 16, 24, 36, 48, 72, 96)),
    (HOURS, (2, 6, 12, 24, 48)),
    (DAYS, (1, 2, 3, 4, 5, 7, 9, 10, 14, 17, 21, 24, 28)),
    (WEEKS, (1, 2, 3, 4, 6, 8, 10, 12, 16)),
    (MINUTES, (5, 10, 15, 30, 45, 60, 90, 120, 180)),
)


def time_pairs(draw: Draw, n: int, *, zero: bool) -> list[tuple[str, str]]:
    """`n` growing times in one unit, as cells and as parts of titles."""
    styles, numbers = draw.pick(SERIES)
    chosen = sorted(draw.some(numbers, n - 1 if zero else n))
    chosen = [0, *chosen] if zero else chosen
    style = draw.pick(styles)
    short = style.replace(" ", "").replace("posttreatment", "")
    return [(style.format(k), short.format(k)) for k in chosen]


def times(draw: Draw, n: int, *, zero: bool) -> Levels:
    """A time course, with or without its zero."""
    return make_levels(draw, "time", time_pairs(draw, n, zero=zero), ordered=True)


UNITS = (
    "uM",
    "µM",
    "nM",
    "mg/kg",
    "ng/ml",
    "ug/ml",
    "mM",
    "ppm",
    "Gy",
    "% v/v",
    "mg/kg/day",
    "cGy",
    "μg/mL",
)


def doses(draw: Draw, n: int) -> Levels:
    """A dose series: numbers with a unit, or words."""
    words = [
        [("low", "L"), ("medium", "M"), ("high", "H")],
        [("low dose", "low"), ("high dose", "high")],
    ]
    words.append([("Low", "LD"), ("Mid", "MD"), ("High", "HD")])
    zero = draw.maybe(0.7)
    if draw.maybe(0.2):
        pairs = draw.pick(words)
        pairs = (
            [draw.pick([("vehicle", "veh"), ("control", "ctrl"), ("none", "0")]), *pairs]
            if zero
            else pairs
        )
        return make_levels(draw, "dose", pairs, ordered=True)
    base = draw.pick((0.01, 0.1, 0.5, 1, 1, 2, 5, 10))
    factor = draw.pick((2, 3, 5, 10, 10))
    numbers = [base * factor**i for i in range(n - 1 if zero else n)]
    unit = draw.pick(UNITS)
    style = draw.pick(("{} " + unit, "{}" + unit, "{}_" + unit.replace(" ", "")))
    if draw.maybe(0.2):
        style = "{}"
    texts = [f"{x:.6g}" for x in ([0, *numbers] if zero else numbers)]
    pairs = [(style.format(t), f"{t}{unit}".replace("/", "").replace(" ", "")) for t in texts]
    return make_levels(draw, "dose", pairs, ordered=True)


YOUNG_OLD = (
    ("young", "aged"),
    ("young", "old"),
    ("Young", "Old"),
    ("3 months", "24 months"),
    ("3 mo", "22 mo"),
    ("2-3 months", "20-22 months"),
    ("8 weeks", "80 weeks"),
    ("12 week old", "104 week old"),
    ("young (3 month)", "old (24 month)"),
    ("4m", "28m"),
    ("young adult", "aged"),
    ("2 months", "12 months"),
    ("6 mos", "18 mos"),
    ("adult", "aged"),
    ("10 wks", "100 wks"),
)
YOUNG_MIDDLE_OLD = (
    ("3 months", "12 months", "24 months"),
    ("young", "middle-aged", "old"),
    ("2 mo", "9 mo", "18 mo"),
    ("8 weeks", "52 weeks", "104 weeks"),
    ("4m", "18m", "28m"),
    ("6 weeks", "6 months", "24 months"),
)


def ages(draw: Draw) -> Levels:
    """Two or three ages far apart."""
    texts = draw.pick(YOUNG_OLD) if draw.maybe(0.7) else draw.pick(YOUNG_MIDDLE_OLD)
    return make_levels(
        draw, "age", [(t, t.replace(" ", "").split("(")[0]) for t in texts], ordered=True
    )


EMBRYO = (
    "E8.5",
    "E9.5",
    "E10.5",
    "E11.5",
    "E12.5",
    "E13.5",
    "E14.5",
    "E15.5",
    "E16.5",
    "E17.5",
    "E18.5",
)
AFTER = ("P0", "P1", "P4", "P7", "P10", "P14", "P21", "P28", "P56")


def stages(draw: Draw, n: int) -> Levels:
    """Stages of development, in their order."""
    before, after = list(EMBRYO), list(AFTER)
    pool = draw.pick((before, after, before + after, [*before, *after, "adult"]))
    chosen = [pool[i] for i in sorted(draw.some(range(len(pool)), n))]
    hand = draw.pick(("{}", "{}", "{}", "stage {}", "{} embryos"))
    texts = [hand.format(t) if t.startswith("E") or hand == "{}" else t for t in chosen]
    if draw.maybe(0.25):
        texts = [_words(t) for t in chosen]
    levels = make_levels(draw, "age", list(zip(texts, chosen, strict=True)), ordered=True)
    if draw.maybe(0.5):
        return levels
    key = draw.pick(
        ("developmental stage", "stage", "age", "embryonic stage", "time point", "dev stage")
    )
    return Levels(key=key, values=levels.values, shorts=levels.shorts, ordered=True)


def _words(stage: str) -> str:
    if stage.startswith("E"):
        return f"embryonic day {stage[1:]}"
    return f"postnatal day {stage[1:]}" if stage.startswith("P") else stage


def free_key(draw: Draw, kind: str, taken: str) -> str:
    """A key of this kind that is not `taken`."""
    return draw.pick([k for k in KEYS[kind] if k != taken])

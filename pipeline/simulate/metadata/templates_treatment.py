"""Treatments whose wording misleads: mocks, controls that are ill, drugs given together, places to live."""

from pipeline.simulate.metadata.answer import Contrast, Drawn, Truth
from pipeline.simulate.metadata.crossing import accepting, groups_of, refusal, truth_of
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels import Levels, make_levels
from pipeline.simulate.metadata.sheet import cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_genetics import four_groups
from pipeline.simulate.metadata.templates_plain import told
from pipeline.simulate.metadata.words_treatment import DRUGS, INFECTIONS, STIMULI

MOCKS = (
    ("mock", "mock"),
    ("Mock", "Mock"),
    ("mock-infected", "mock"),
    ("mock infected", "M"),
    ("mock infection", "mock"),
    ("mock (PBS)", "PBS"),
    ("mock-treated", "mock"),
    ("MOCK", "MOCK"),
    ("mock inoculated", "MI"),
    ("Mock infected control", "mock"),
    ("sham infected", "sham"),
    ("vehicle (mock)", "mock"),
)


def mock_infection(draw: Draw) -> Drawn:
    """Mock against one or two pathogens, perhaps with how much of it."""
    style = draw.pick(
        (
            "{}",
            "{}",
            "{}",
            "{} infected",
            "{} MOI 5",
            "{} (MOI=1)",
            "infected with {}",
            "{}-infected",
        )
    )
    others: list[tuple[str, str]] = []
    for value, short in draw.some(INFECTIONS, draw.pick((1, 1, 2))):
        others.append((style.format(value), short))
    factor = make_levels(draw, "infection", [draw.pick(MOCKS), *others], reference=0)
    return told(cross(draw, [factor]).show()).study()


MODELS = (
    ("EAE", "EAE"),
    ("diabetic", "DM"),
    ("STZ", "STZ"),
    ("colitis", "Col"),
    ("asthma", "OVA"),
    ("NASH", "NASH"),
    ("sepsis", "CLP"),
    ("arthritis", "CIA"),
    ("fibrosis", "BLM"),
    ("tumor", "Tu"),
    ("MCAO", "MCAO"),
    ("depression", "CUMS"),
    ("obese", "DIO"),
    ("AD model", "AD"),
    ("5xFAD", "5xFAD"),
    ("db/db", "dbdb"),
    ("ALI", "ALI"),
    ("hypertensive", "HT"),
)
HEALTHY = (
    "normal control",
    "normal",
    "healthy control",
    "Normal control group",
    "blank control",
    "naive",
    "healthy",
)
ILL = ("{} model", "{} control", "{} model control", "{}", "{} + vehicle", "{} group")
CURED = (
    "{m} + {d}",
    "{m}+{d}",
    "{m} {d}",
    "{m} treated with {d}",
    "{d}-treated {m}",
    "{m} + {d} group",
)


def disease_control(draw: Draw) -> Drawn:
    """The control of the drug is ill; a healthy group may stand beside it."""
    model, short = draw.pick(MODELS)
    drug = draw.pick(DRUGS)
    ill = (draw.pick(ILL).format(model), short)
    cured = (draw.pick(CURED).format(m=model, d=drug), f"{short}{drug[:4]}")
    key = draw.pick(("group", "treatment", "condition", "experimental group"))
    if draw.maybe(0.4):
        if ill[0] == model:
            ill = (f"{model} control", short)
        two = make_levels(draw, "treatment", [ill, cured], reference=0)
        two = Levels(key=key, values=two.values, shorts=two.shorts, reference=two.reference)
        return told(cross(draw, [two]).show()).study()
    pairs = [(draw.pick(HEALTHY), draw.pick(("NC", "Norm", "Ctrl", "CON"))), ill, cured]
    three = make_levels(draw, "treatment", pairs, reference=0)
    three = Levels(key=key, values=three.values, shorts=three.shorts, reference=three.reference)
    order = [three.shorts.index(s) for _, s in pairs]
    sheet = told(cross(draw, [three]).show())

    def truth(names: list[str]) -> Truth:
        groups = groups_of(names, sheet.cells)
        healthy, sick, treated = (groups[(i,)] for i in order)
        harm = Contrast(sick, healthy, True)
        chain = {harm, Contrast(treated, sick, True)}
        star = {harm, Contrast(treated, healthy, True)}
        others = (truth_of(star), truth_of(chain | star), truth_of({harm}))
        return accepting(truth_of(chain), *others, refusal("several_factors"))

    return sheet.study(truth)


def combined_drugs(draw: Draw) -> Drawn:
    """Neither, one, the other, both."""
    a, b = draw.some([*DRUGS, *(s for _, s in STIMULI)], 2)
    nothing = draw.pick(
        (
            ("vehicle", "veh"),
            ("control", "ctrl"),
            ("untreated", "UT"),
            ("PBS", "PBS"),
            ("DMSO", "DMSO"),
            ("none", "none"),
        )
    )
    glue = draw.pick((" + ", "+", " and ", "/", " plus ", " & "))
    both = draw.pick((f"{a}{glue}{b}", f"{a}{glue}{b}", f"combination ({a}{glue}{b})"))
    pairs = [nothing, (a, a[:6]), (b, b[:6] + "2" * (a[:6] == b[:6])), (both, "combo")]
    factor = make_levels(draw, "treatment", pairs, reference=0)
    order = [factor.values[factor.shorts.index(s)] for _, s in pairs]
    sheet = told(cross(draw, [factor], high=4).show())
    return sheet.study(lambda names: four_groups(names, sheet, order))


# Key, test, reference, and their short forms.
PLACES = (
    ("temperature", "4C", "22C", "cold", "RT"),
    ("housing temperature", "cold (6°C)", "room temperature", "cold", "RT"),
    ("temperature", "cold exposure", "room temperature", "CE", "RT"),
    ("oxygen", "hypoxia", "normoxia", "Hx", "Nx"),
    ("oxygen", "1% O2", "normoxia (21% O2)", "hyp", "norm"),
    ("oxygen tension", "hyperoxia", "room air", "O2", "RA"),
    ("microbiota", "germ-free", "SPF", "GF", "SPF"),
    ("housing", "germ free", "conventional", "GF", "CV"),
    ("microbiome", "antibiotics", "conventional control", "Abx", "ctrl"),
    ("exercise", "trained", "sedentary", "Ex", "Sed"),
    ("activity", "voluntary wheel running", "sedentary", "VWR", "SED"),
    ("stress", "chronic social defeat", "unstressed control", "CSDS", "CTRL"),
    ("stress", "restraint stress", "non-stressed", "RS", "NS"),
    ("housing", "social isolation", "group housed", "SI", "GH"),
    ("housing condition", "enriched environment", "standard housing", "EE", "SH"),
    ("sleep", "sleep deprivation", "control sleep", "SD", "CS"),
    ("gravity", "spaceflight", "ground control", "FLT", "GC"),
    ("smoke exposure", "cigarette smoke", "room air", "CS", "air"),
    ("radiation", "irradiated", "non-irradiated", "IR", "NIR"),
    ("exposure", "PM2.5", "filtered air", "PM", "FA"),
    ("feeding status", "fasted", "fed", "fast", "fed"),
    ("nutritional state", "24h fasted", "ad libitum", "F", "AL"),
    ("learning", "fear conditioned", "home cage", "FC", "HC"),
    ("visual experience", "dark reared", "normally reared", "DR", "NR"),
    ("mechanical load", "unloaded", "loaded control", "UL", "ctl"),
    ("denervation", "denervated", "innervated control", "Den", "Inn"),
)


def environment(draw: Draw) -> Drawn:
    """Cold, hypoxia, no germs, exercise, stress: against what is usual."""
    key, test, usual, short_test, short_usual = draw.pick(PLACES)
    factor = make_levels(draw, "treatment", [(usual, short_usual), (test, short_test)], reference=0)
    key = key if draw.maybe(0.7) else factor.key
    factor = Levels(key=key, values=factor.values, shorts=factor.shorts, reference=factor.reference)
    return told(cross(draw, [factor]).show()).study()


TEMPLATES = tuple(
    Template(f.__name__, f) for f in (mock_infection, disease_control, combined_drugs, environment)
)

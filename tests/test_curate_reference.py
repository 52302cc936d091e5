"""Which level the others are compared with."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.curate.column_words import GENOTYPE, GROUP, STRAIN, TISSUE, TREATMENT
from pipeline.curate.curation import ARBITRARY, ORDERED, REFERENCE
from pipeline.curate.quantity import natural_order, quantity
from pipeline.curate.reference import choose_reference


@pytest.mark.parametrize(
    ("levels", "reference"),
    [
        (["treatment", "control"], "control"),
        (["WT", "KO"], "WT"),
        (["wild-type", "mutant"], "wild-type"),
        (["Ezh2 +/+", "Ezh2 -/-", "Ezh2 +/-"], "Ezh2 +/+"),
        (["fl/fl", "fl/fl Cre"], "fl/fl"),
        (["untreated", "vehicle", "drug"], "vehicle"),
        (["siNC", "siFoo", "untreated"], "siNC"),
        (["shEzh2", "shLuciferase"], "shLuciferase"),
        (["siRNA control", "siRNA Ezh2"], "siRNA control"),
        (["sgTrp53", "sgLacZ", "untreated"], "sgLacZ"),
        (["standard diet", "high fat diet"], "standard diet"),
        (["NT", "Dox"], "NT"),
        (["ethanol", "control"], "control"),
        (["Water", "DSS"], "Water"),
        (["DMSO", "DMSO+LPS", "LPS"], "DMSO"),
        (["DMSO+LPS", "drug+LPS"], "DMSO+LPS"),
        (["control diet", "control diet + drug"], "control diet"),
        (["normal chow", "high fat diet"], "normal chow"),
        (["non-infected", "influenza"], "non-infected"),
        (["NonInfected", "InfluenzaA"], "NonInfected"),
        (["not treated", "treated"], "not treated"),
        (["Uninfected", "infected control"], "Uninfected"),
        (["WT_ctrl", "WT_drug", "KO_ctrl", "KO_drug"], "WT_ctrl"),
        (["Tumor", "adjacent normal"], "adjacent normal"),
        (["PCI", "sham"], "sham"),
        (["0h", "LPS_4h", "LPS_8h"], "0h"),
        (["None", "LPS"], "None"),
        (["Control 1", "IL-4", "a_vs_b"], "Control 1"),
        (["basal medium BMDMs", "IL-4 BMDMs"], "basal medium BMDMs"),
        (["disease + vehicle", "disease + drug", "healthy control"], "healthy control"),
        (["unstim", "aCD3"], "unstim"),
        (["tumor bearing", "tumor free"], "tumor free"),
        (["nulliparous", "parous"], "nulliparous"),
        (["Atg7fl/fl", "Atg7fl/fl;Alb-Cre"], "Atg7fl/fl"),
        (["Atg7+/+;Alb-Cre", "Atg7fl/fl;Alb-Cre"], "Atg7+/+;Alb-Cre"),
        (["Atg7fl/+ Alb-Cre", "Atg7fl/fl Alb-Cre"], "Atg7fl/+ Alb-Cre"),
        (["Six2-Cre", "Six2-Cre; Cx3cr1fl/fl"], "Six2-Cre"),
        (["pLKO.1 empty", "shNr1d1#1"], "pLKO.1 empty"),
        (["Ad-LacZ", "Ad-Ar"], "Ad-LacZ"),
        (["SD", "NSD"], "NSD"),
        (["HC", "SD"], "HC"),
        (["SD", "HFD"], "SD"),
        (["ethanol-fed", "pair-fed"], "pair-fed"),
        (["EtOH", "PF"], "PF"),
        (["Ethanol", "pair-fed control"], "pair-fed control"),
        (["Ethanol", "maltodextrin control"], "maltodextrin control"),
        (["GFP", "un-infected control"], "un-infected control"),
        (["GFP", "Cre"], "GFP"),
        (["RT", "No RT"], "No RT"),
        (["RT", "cold"], "RT"),
        (["HFD", "HFD to chow"], "HFD"),
        (["EV", "PBS"], "PBS"),
        (["EV", "shTet2"], "EV"),
        (["tumor + vehicle", "no tumor"], "no tumor"),
        (["no treatment", "vehicle treatment"], "vehicle treatment"),
        (["TG", "NTG"], "NTG"),
        (["exposed to smoke", "exposed to room air"], "exposed to room air"),
        (["plus", "minus"], "minus"),
        (["Y", "N"], "N"),
        (["Cre+", "Cre-"], "Cre-"),
        (["GFP+", "GFP-"], "GFP-"),
        (["responder", "non-responder"], "non-responder"),
        (["sepsis model", "sepsis + drug"], "sepsis model"),
        (["C57BL/6", "Tet2 KO"], "C57BL/6"),
        (["Trp53+/-", "Trp53-/-"], "Trp53+/-"),
    ],
)
def test_a_control_is_known_by_its_whole_words(levels: list[str], reference: str) -> None:
    choice = choose_reference(GROUP, ["group"], levels)
    assert (choice.level, choice.direction) == (reference, REFERENCE)
    assert choice.word


@pytest.mark.parametrize(
    ("factor", "levels", "smallest"),
    [
        ("time", ["Day0", "Day4", "Day8"], "Day0"),
        ("time", ["10", "9", "100"], "9"),
        ("dose", ["10 mg/kg", "1 g/kg", "0"], "0"),
        ("group", ["30 min", "2h", "1d"], "30 min"),
        ("time", ["3 days", "20 days"], "3 days"),
        ("group", ["day 7 post infection", "day 21 post infection"], "day 7 post infection"),
        ("x", ["LPS 2h", "LPS 12h"], "LPS 2h"),
        ("x", ["100 nM", "1 µM"], "100 nM"),
        ("x", ["5 Gy", "2 Gy"], "2 Gy"),
        ("x", ["E9.5", "E12.5"], "E9.5"),
        ("x", ["P0", "E10.5", "E12.5"], "E10.5"),
        ("x", ["embryonic day 14.5", "postnatal day 2"], "embryonic day 14.5"),
        ("x", ["high", "medium", "low"], "low"),
        ("age", ["old", "young"], "young"),
        ("age", ["20-22 months", "2-3 months"], "2-3 months"),
        ("zt", ["CT12", "CT0"], "CT0"),
        ("dose", ["10 % v/v", "0 % v/v"], "0 % v/v"),
        ("time", ["d.14", "d.7"], "d.7"),
        ("time", ["day 0", "day -7", "day 7"], "day -7"),
        ("time", ["24 h", "-24 h"], "-24 h"),
        ("age", ["8w", "18m"], "8w"),
        ("age", ["3m", "6w"], "6w"),
        ("x", ["1m", "7d", "3m"], "7d"),
        ("x", ["1h", "5m"], "5m"),
    ],
)
def test_of_times_and_doses_the_smallest_is_the_reference(
    factor: str, levels: list[str], smallest: str
) -> None:
    choice = choose_reference(GROUP, [factor], levels)
    assert (choice.level, choice.direction) == (smallest, ORDERED)
    assert natural_order([factor], levels)[0] == smallest


@pytest.mark.parametrize(
    "levels",
    [
        ["B", "A", "C"],
        ["LP", "ML", "Basal"],
        ["abnormal", "odd"],
        ["IL-4", "a_vs_b"],
        ["4°C", "37°C"],
        ["1", "2"],
        ["non control", "patient"],
        ["2 h", "2 mg"],
        ["primary tumor", "metastasis"],
        ["fasted", "refed"],
        ["hypoxia", "reoxygenation"],
        ["stress", "recovery"],
    ],
)
def test_without_either_the_first_in_natural_order_is_taken_and_called_arbitrary(
    levels: list[str],
) -> None:
    choice = choose_reference(GROUP, ["group"], levels)
    assert (choice.level, choice.direction, choice.word) == (
        natural_order([], levels)[0],
        ARBITRARY,
        "",
    )


def test_what_a_tissue_or_a_strain_is_called_makes_no_control_of_it() -> None:
    assert choose_reference(TISSUE, ["tissue"], ["media", "adventitia"]).direction == ARBITRARY
    assert choose_reference(TISSUE, ["tissue"], ["tumor", "normal"]).level == "normal"
    assert choose_reference(STRAIN, ["strain"], ["129S1", "C57BL/6J"]).level == "C57BL/6J"


def test_a_level_that_the_column_leaves_out_is_the_untreated_one() -> None:
    levels = ["IL-4", "NS"]
    assert choose_reference(TREATMENT, ["stim"], levels).direction == ARBITRARY
    choice = choose_reference(TREATMENT, ["stim"], levels, "NS")
    assert (choice.level, choice.direction) == ("NS", REFERENCE)
    assert choice.certainty < 1
    assert choose_reference(GENOTYPE, ["genotype"], levels, "NS").direction == ARBITRARY


def test_levels_that_are_controls_alike_are_a_tie() -> None:
    choice = choose_reference(GROUP, ["group"], ["luminal.virgin", "basal.virgin", "basal.lactate"])
    assert choice.direction == ARBITRARY
    assert choice.tied == ("basal.virgin", "luminal.virgin")
    assert choice.level == "basal.virgin"


@pytest.mark.parametrize(
    ("level", "number", "kind"),
    [
        ("2 days", 48, "time"),
        ("Day-2", 48, "time"),
        ("Day -2", -48, "time"),
        ("LPS -24 h", 24, "lps time"),
        ("90min", 1.5, "time"),
        ("5 µg/ml", 5e-6, "mass /ml"),
        ("5 μM", 5e-6, "molarity"),
        ("7", 7, ""),
        ("T3", 3, "t"),
        ("10-13 weeks", 11.5 * 168, "time"),
        ("E14.5", 14.5 * 24, "development"),
    ],
)
def test_a_quantity_is_a_number_of_a_kind(level: str, number: float, kind: str) -> None:
    found = quantity(level)
    assert found is not None
    assert found[0] == pytest.approx(number)
    assert found[1] == kind


@pytest.mark.parametrize("level", ["", "day", "IL4", "p53 wt", "1_2_3", "A1"])
def test_what_is_no_quantity_is_none(level: str) -> None:
    assert quantity(level) is None


@settings(deadline=None)
@given(
    levels=st.lists(
        st.text(max_size=9) | st.sampled_from(["WT", "0h", "4 h", "ctrl", "5 mg", "non-WT"]),
        min_size=2,
        max_size=6,
        unique=True,
    ),
    data=st.data(),
)
def test_the_choice_is_one_of_the_levels_whatever_their_order(
    levels: Sequence[str], data: st.DataObject
) -> None:
    choice = choose_reference(GROUP, ["time"], levels)
    assert choice.level in levels
    assert choice == choose_reference(GROUP, ["time"], data.draw(st.permutations(levels)))

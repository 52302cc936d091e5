"""From sample tables to contrasts: factors, groups, references, and every reason why not."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.curate.curate import curate
from pipeline.curate.curation import Curation, Journal
from pipeline.curate.settings import CurateSettings
from pipeline.sources.refusal import Refusal

FREE = CurateSettings(organism="Mus musculus")


def _samples(columns: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    n = len(next(iter(columns.values()), "four"))
    return pd.DataFrame(dict(columns), index=[f"GSM{i}" for i in range(n)], dtype=object)


def _refused(columns: Mapping[str, Sequence[object]], settings: CurateSettings = FREE) -> Refusal:
    with pytest.raises(Refusal) as caught:
        curate(_samples(columns), settings)
    return caught.value


def _curated(columns: Mapping[str, Sequence[object]]) -> Curation:
    return curate(_samples(columns), FREE)


def _pairs(curation: Curation) -> list[tuple[str, str, str]]:
    return [(c.test, c.reference, c.direction) for c in curation.contrasts]


SIX = ["a", "a", "b", "b", "c", "c"]


def test_one_factor_gives_every_other_level_against_the_control() -> None:
    curation = _curated({"treatment": ["drug", "ctrl", "drug", "ctrl", "x", "x"]})
    assert curation.factor == "treatment"
    assert (curation.reference, curation.reference_word) == ("ctrl", "ctrl")
    assert curation.groups == {
        f"GSM{i}": level for i, level in enumerate(["drug", "ctrl", "drug", "ctrl", "x", "x"])
    }
    assert _pairs(curation) == [("drug", "ctrl", "reference"), ("x", "ctrl", "reference")]
    assert (curation.unused, curation.flags, curation.confidence) == ({}, (), 1.0)


def test_levels_of_any_kind_survive() -> None:
    levels = ["IL-4", "IL-4", "a_vs_b", "a_vs_b", "50% µM α:β", "50% µM α:β"]
    curation = _curated({"group": levels})
    assert set(curation.groups.values()) == set(levels)


def test_without_a_control_the_comparison_is_arbitrary_and_has_no_reference() -> None:
    curation = _curated({"Group": SIX})
    assert (curation.reference, curation.reference_word) == (None, "")
    assert _pairs(curation) == [("b", "a", "arbitrary"), ("c", "a", "arbitrary")]
    assert curation.confidence < 1
    both = curate(_samples({"Group": SIX}), CurateSettings(all_pairs=True))
    assert _pairs(both) == [(t, r, "arbitrary") for t, r in (("b", "a"), ("c", "a"), ("c", "b"))]


def test_times_are_compared_with_the_first_in_the_order_of_time() -> None:
    curation = _curated({"time": ["10 d", "10 d", "9 d", "9 d", "2 d", "2 d"]})
    assert curation.reference == "2 d"
    assert _pairs(curation) == [("9 d", "2 d", "ordered"), ("10 d", "2 d", "ordered")]


@pytest.mark.parametrize(
    "column",
    [
        "replicate", "batch", "Lane", "Run", "isolation_date", "files", "lib.size", "GEO_Accession (exp)",
        "mouse", "mouse_id", "Patient", "DATASTORE filetype", "RIN", "sample", "sample id",
        "LibraryLayout", "ReleaseDate",
    ],
)  # fmt: skip
def test_columns_on_handling_or_subject_are_not_the_factor(column: str) -> None:
    other = ["p", "q", "p", "q", "p", "q"]
    assert _curated({column: other, "genotype": SIX}).factor == "genotype"
    assert _refused({column: other}).code == "no_factor"
    said = curate(_samples({column: other}), CurateSettings(factor=column))
    assert said.factor == column


def test_sex_and_age_are_the_factor_only_where_nothing_else_is() -> None:
    sex, age = ["M", "F"] * 3, ["8 weeks", "9 weeks"] * 3
    assert _curated({"sex": sex}).factor == "sex"
    assert _curated({"sex": sex, "genotype": SIX}).factor == "genotype"
    assert _curated({"age": age}).reference == "8 weeks"
    assert _curated({"age": age, "genotype": SIX}).factor == "genotype"


def test_ages_far_apart_and_crossed_are_a_factor() -> None:
    columns = {
        "age": ["3 months"] * 4 + ["24 months"] * 4,
        "genotype": ["WT", "WT", "KO", "KO"] * 2,
    }
    curation = _curated(columns)
    assert {c.factor for c in curation.contrasts} == {"age", "genotype"}
    close = {**columns, "age": ["57 days"] * 4 + ["63 days"] * 4}
    assert _curated(close).factor == "genotype"


@pytest.mark.parametrize(
    "column",
    ["mouse strain", "disease status", "status", "cell type", "sample type", "source", "region"],
)
def test_columns_on_what_a_sample_is_can_be_the_factor(column: str) -> None:
    assert _curated({column: SIX}).factor == column


def test_constant_unique_empty_and_measured_columns_are_not_the_factor() -> None:
    columns: dict[str, list[object]] = {
        "strain": ["B6"] * 6,
        "comment": list("uvwxyz"),
        "empty": [None, "", "NA", float("nan"), pd.NA, "n/a"],
        "glucose": ["5.1", "5.1", "7", "7", "9", "9"],
        "score": [1, 1, 2, 2, 3, 3],
    }
    message = _refused(columns).message
    for told in ("'strain' is constant", "'empty' is empty", "'glucose' is a measurement"):
        assert told in message
    assert _curated({**columns, "x": SIX}).factor == "x"
    assert _curated({"dose": columns["score"]}).reference == "1"


def test_columns_that_tell_the_same_are_one_and_the_likeliest_name_is_kept() -> None:
    curation = _curated(
        {
            "characteristics_ch1.1": [f"treatment: {level}" for level in SIX],
            "colour": ["red", "red", "blue", "blue", "green", "green"],
            "treatment:ch1": SIX,
        }
    )
    assert curation.factor == "treatment:ch1"
    assert set(curation.flags) == {"same_as:characteristics_ch1.1", "same_as:colour"}


def test_cells_of_geo_characteristics_are_read_by_their_key() -> None:
    columns = {
        "characteristics_ch1": [f"age: {age} weeks" for age in (8, 8, 8, 9, 9, 9)],
        "characteristics_ch1.1": [f"genotype: {level}" for level in ("KO", "WT") * 3],
    }
    curation = _curated(columns)
    assert (curation.factor, curation.reference) == ("characteristics_ch1.1", "WT")
    ragged = [
        "genotype: KO",
        "genotype: WT",
        "sex: F",
        "genotype: KO",
        "genotype: WT",
        "genotype: WT",
    ]
    assert _curated({"characteristics_ch1": ragged}).factor == "characteristics_ch1: genotype"


def test_a_column_that_joins_others_gives_way_to_them() -> None:
    cell, stage = ["lum", "lum", "bas", "bas"] * 2, ["virgin"] * 4 + ["lactate"] * 4
    joined = [f"{c}.{s}" for c, s in zip(cell, stage, strict=True)]
    curation = _curated({"cell": cell, "stage": stage, "zz": joined})
    assert _pairs(curation) == [
        ("lactate.bas", "virgin.bas", "reference"),
        ("lactate.lum", "virgin.lum", "reference"),
    ]
    assert [c.stratum for c in curation.contrasts] == ["cell = bas", "cell = lum"]


def test_two_factors_packed_in_one_column_are_unpacked() -> None:
    packed = ["end stage KO", "end stage WT", "onset KO", "onset WT"] * 2
    curation = _curated({"group": packed})
    assert [f.levels for f in curation.factors] == [("onset", "end stage"), ("KO", "WT")]
    assert ("onset.KO", "onset.WT", "reference") in _pairs(curation)
    assert ("onset.KO", "end stage.WT") not in {p[:2] for p in _pairs(curation)}


def test_a_control_with_a_level_of_its_own_makes_one_axis_of_two_columns() -> None:
    nested = {
        "infection": ["no", "no", "flu", "flu", "flu", "flu"],
        "time": ["Day0"] * 2 + ["Day4"] * 2 + ["Day8"] * 2,
    }
    assert _pairs(_curated(nested)) == [("Day4", "Day0", "ordered"), ("Day8", "Day0", "ordered")]
    doses = {
        "drug": ["none"] * 2 + ["A"] * 4 + ["B"] * 4,
        "dose": ["0"] * 2 + ["1", "1", "10", "10"] * 2,
    }
    curation = _curated(doses)
    assert {c.reference for c in curation.contrasts} == {"none"}
    assert {c.test for c in curation.contrasts} == {"A 1", "A 10", "B 1", "B 10"}
    untold: dict[str, list[object]] = {
        "infection": [*nested["infection"]],
        "time": [None, None, "Day4", "Day4", "Day8", "Day8"],
    }
    assert [(c.test, c.reference) for c in _curated(untold).contrasts] == [
        ("Day4", "no"),
        ("Day8", "no"),
    ]


def test_a_control_at_one_of_several_times_is_compared_at_that_time_only() -> None:
    columns = {
        "infection": ["mock"] * 2 + ["flu"] * 4,
        "time": ["24 h", "24 h", "6 h", "6 h", "24 h", "24 h"],
    }
    assert _pairs(_curated(columns)) == [
        ("flu.24 h", "mock.24 h", "reference"),
        ("flu.24 h", "flu.6 h", "ordered"),
    ]


def test_crossed_factors_give_every_simple_contrast_of_each() -> None:
    columns = {"treatment": ["PCI", "sham"] * 4, "time": ["3 d"] * 4 + ["20 d"] * 4}
    wanted = {("PCI.3 d", "sham.3 d"), ("PCI.20 d", "sham.20 d")}
    wanted |= {("PCI.20 d", "PCI.3 d"), ("sham.20 d", "sham.3 d")}
    assert {(c.test, c.reference) for c in _curated(columns).contrasts} == wanted
    chosen = curate(_samples(columns), CurateSettings(factor="TREATMENT"))
    assert (chosen.factor, chosen.reference) == ("treatment", "sham")


def test_levels_without_a_reference_that_divide_a_factor_are_refused() -> None:
    fine, coarse = list("abcdefgh") * 2, ["WT", "KO"] * 8
    refusal = _refused({"group": fine, "genotype": coarse})
    assert refusal.code == "several_factors"
    assert "set factor to one of them" in refusal.message


def test_a_column_that_is_empty_for_most_samples_is_not_the_factor() -> None:
    columns: dict[str, list[object]] = {
        "dose": ["1 mg", "1 mg", "2 mg", "2 mg", *[None] * 4],
        "group": ["a", "b"] * 4,
    }
    refusal = _refused({"dose": columns["dose"]})
    assert refusal.code == "no_factor"
    assert "may be the controls" in refusal.message


def test_levels_without_replicates_and_samples_without_a_level_leave_with_a_reason() -> None:
    columns = {"group": ["a", "a", "b", "b", "lone", None, "a"]}
    curation = _curated(columns)
    assert curation.unused == {"GSM4": "too few samples of lone", "GSM5": "no value of group"}
    assert set(curation.groups) == {"GSM0", "GSM1", "GSM2", "GSM3", "GSM6"}
    assert curation.flags == ("unreplicated_levels",)
    kept = curate(_samples(columns), CurateSettings(factor="group", min_replicates=1))
    assert kept.unused == {"GSM5": "no value of group"}
    assert kept.flags == ("no_replicates",)
    assert [c.test for c in kept.contrasts] == ["b", "lone"]


def test_excluded_samples_count_for_nothing() -> None:
    samples = _samples({"group": ["a", "a", "b", "b", "c", "c"]})
    curation = curate(samples, FREE, {"GSM0": "no counts"})
    assert curation.unused == {"GSM0": "no counts", "GSM1": "too few samples of a"}
    with pytest.raises(Refusal) as caught:
        curate(samples, FREE, dict.fromkeys(["GSM0", "GSM2", "GSM3", "GSM4"], "no counts"))
    assert caught.value.code == "no_replicates"
    gone = dict.fromkeys(["GSM0", "GSM1", "GSM2", "GSM3", "GSM4"], "no counts")
    with pytest.raises(Refusal) as caught:
        curate(samples, FREE, gone)
    assert caught.value.code == "too_few_samples"
    assert "1 usable sample" in caught.value.message


def test_a_study_without_replicates_goes_through_only_when_asked() -> None:
    columns = {"treatment": ["ctrl", "drug"], "title": ["x", "y"]}
    assert _refused(columns).code == "no_replicates"
    asked = curate(_samples(columns), CurateSettings(min_replicates=1))
    assert _pairs(asked) == [("drug", "ctrl", "reference")]
    assert "no_replicates" in asked.flags


@pytest.mark.parametrize(
    ("columns", "settings", "code", "says"),
    [
        ({"group": ["a"] * 4}, FREE, "one_condition", "one level of 'group' (a × 4)"),
        ({"group": ["a"]}, FREE, "too_few_samples", "1 usable sample;"),
        ({"title": list("uxyz")}, FREE, "no_factor", "nothing tells groups"),
        ({"siRNA": ["siNC"] * 4}, FREE, "one_condition", "one level of 'siRNA' (siNC × 4)"),
        ({"mouseID": list("aabb")}, FREE, "no_factor", "'mouseID' is a subject"),
        ({"tissue": ["liver"] * 4}, FREE, "no_factor", "'tissue' is constant"),
        ({}, FREE, "no_factor", "the sample table has no columns"),
        ({"group": list("abcd")}, FREE, "no_replicates", "'group' (a × 1, b × 1"),
        ({"group": ["a", "a", "a", "b"]}, FREE, "no_replicates", "'group' (a × 3, b × 1)"),
        ({"g": ["a", "b"]}, CurateSettings(factor="h"), "unknown_factor", "set factor to one of "),
        ({"g": ["a", "a"]}, CurateSettings(factor="g"), "one_condition", "'g' (a × 2)"),
        ({"g": ["NA", ""]}, CurateSettings(factor="g"), "one_condition", "no value at all"),
        ({"g": ["a", "b", "b"]}, CurateSettings(factor="g"), "no_replicates", "(a × 1, b × 2)"),
        (
            {"g": SIX},
            CurateSettings(factor="g", reference="d"),
            "unknown_reference",
            "a × 2, b × 2, c × 2",
        ),
        ({"g": list("abcdefg") * 2}, CurateSettings(max_groups=6), "too_many_levels", "7 groups"),
    ],
)
def test_what_can_not_be_compared_is_refused_with_the_reason(
    columns: dict[str, list[object]], settings: CurateSettings, code: str, says: str
) -> None:
    refusal = _refused(columns, settings)
    assert (refusal.code, says in refusal.message) == (code, True), refusal.message


def test_the_reference_of_the_settings_is_taken_before_any_control() -> None:
    said = CurateSettings(factor="g", reference="b")
    curation = curate(_samples({"g": ["ctrl", "ctrl", "b", "b"]}), said)
    assert (curation.reference, curation.reference_word) == ("b", "b")
    assert _pairs(curation) == [("ctrl", "b", "reference")]


def test_contrasts_stay_within_a_tissue_even_where_treatments_tell_it() -> None:
    columns = {
        "treatment": ["mock", "flu", "siNC", "siStat3"] * 3,
        "cell type": ["lung", "lung", "fibroblasts", "fibroblasts"] * 3,
    }
    assert {(c.test, c.reference) for c in _curated(columns).contrasts} == {
        ("flu.lung", "mock.lung"),
        ("siStat3.fibroblasts", "siNC.fibroblasts"),
    }


def test_what_adds_to_a_level_is_compared_with_that_level() -> None:
    curation = _curated({"genotype": ["WT", "Tet2 KO", "Tet2 KO + Tet2"] * 2})
    assert {(c.test, c.reference) for c in curation.contrasts} == {
        ("Tet2 KO", "WT"),
        ("Tet2 KO + Tet2", "Tet2 KO"),
    }


def test_codes_get_their_reference_from_titles_that_tell_the_same() -> None:
    columns = {
        "group": ["A", "A", "B", "B"],
        "title": ["LPS_1", "LPS_2", "untreated_1", "untreated_2"],
    }
    curation = _curated(columns)
    assert _pairs(curation) == [("A", "B", "reference")]
    assert curation.reference_word == "untreated"


def test_numbers_of_replicates_in_a_column_are_taken_off() -> None:
    columns = {"condition": ["saline #1", "saline #2", "drug #1", "drug #2"]}
    assert set(_curated(columns).groups.values()) == {"saline", "drug"}


def test_a_name_for_handling_is_a_factor_where_its_levels_are_a_control_and_others() -> None:
    columns = {"protocol": ["control", "control", "ligation", "ligation"]}
    assert _pairs(_curated(columns)) == [("ligation", "control", "reference")]


def test_animals_within_a_genotype_are_not_compared() -> None:
    columns = {
        "genotype": ["WT"] * 4 + ["KO"] * 4,
        "colony": ["p", "p", "q", "q", "r", "r", "s", "s"],
    }
    assert _pairs(_curated(columns)) == [("KO", "WT", "reference")]


def test_a_column_without_what_another_says_is_the_rest() -> None:
    columns = {
        "condition": ["ctrl brown fat", "cKO brown fat", "ctrl retina", "cKO retina"] * 2,
        "organ": ["brown fat", "brown fat", "retina", "retina"] * 2,
    }
    assert {(c.test, c.reference) for c in _curated(columns).contrasts} == {
        ("cKO.brown fat", "ctrl.brown fat"),
        ("cKO.retina", "ctrl.retina"),
    }


def test_a_tie_of_controls_is_flagged_and_the_first_is_taken() -> None:
    curation = _curated({"g": ["b wt", "b wt", "a wt", "a wt", "a ko", "a ko"]})
    assert curation.reference is None
    assert curation.flags == ("ambiguous_reference",)
    assert _pairs(curation) == [("a ko", "a wt", "arbitrary"), ("b wt", "a wt", "arbitrary")]


def test_spellings_and_typing_errors_of_one_level_are_one() -> None:
    journal = Journal()
    levels = ["Wild-type", "wild type", "WT", "Tet2 KO", "Tet2-KO", "tet2 knockout"]
    curation = curate(_samples({"genotype": levels}), FREE, journal=journal)
    assert sorted(curation.groups.values()).count(curation.contrasts[0].reference) == 3
    assert any(topic == "levels" for topic, _ in journal.steps)
    assert _refused({"genotype": ["Tg", "Tg", "tg", "tg"]}).code == "one_condition"
    typed = {"treatment": ["vehicle", "vehicle", "vehcile", "rapamycin", "rapamycin", "rapamicin"]}
    assert set(_curated(typed).groups.values()) == {"vehicle", "rapamycin"}
    apart = {"treatment": ["IL-4", "IL-4", "IL-6", "IL-6", "IL-4", "IL-6"]}
    assert set(_curated(apart).groups.values()) == {"IL-4", "IL-6"}


@pytest.mark.parametrize(
    "levels", [["DMSO", "CompoundA", "CompoundB"], ["WT", "Stat5a KO", "Stat5b KO"]]
)
def test_a_letter_that_tells_one_of_several_is_no_typing_error(levels: list[str]) -> None:
    curation = _curated({"treatment": [*levels[:1] * 3, *levels[1:2] * 3, levels[2]]})
    assert sorted(curation.groups.values()) == sorted([*levels[:1] * 3, *levels[1:2] * 3])


@pytest.mark.parametrize(
    "times",
    [["day -1", "day 1", "day 7"], ["D-1", "D0", "D1"]],
)
def test_days_before_and_after_are_two(times: list[str]) -> None:
    columns = [{"time": times * 3}, {"title": [f"{t} rep{i}" for i in range(3) for t in times]}]
    for column in columns:
        sizes = Counter(_curated(column).groups.values())
        assert list(sizes.values()) == [3, 3, 3]
    hours = _curated({"time": ["-24 h", "0 h", "24 h"] * 3})
    assert set(hours.groups.values()) == {"-24 h", "0 h", "24 h"}


@pytest.mark.parametrize(
    ("template", "values", "groups"),
    [
        ("-{} rep{}", ("24 h", "12 h"), ["-24h", "-12h"]),
        ("{} {}", ("1 h", "4 h"), ["1h", "4h"]),
        ("{}_{}", ("1 h", "4 h"), ["1h", "4h"]),
        ("{}-{}", ("1 d", "4 d"), ["1d", "4d"]),
        ("WT {1} {0}", ("d 3", "d 7"), ["d3", "d7"]),
        ("E14 {} rep{}", ("d 0", "d 1"), ["d0", "d1"]),
    ],
)
def test_a_number_beside_a_unit_is_its_own_or_a_replicates(
    template: str, values: tuple[str, str], groups: list[str]
) -> None:
    titles = [template.format(value, i) for value in values for i in (1, 2, 3)]
    told = list(_curated({"title": titles}).groups.values())
    assert told == [group for group in groups for _ in range(3)]


@pytest.mark.parametrize(
    ("one", "other"), [(("WT", "KO"), ("0h", "24h")), (("CD4", "CD8"), ("PBS", "LPS"))]
)
@pytest.mark.parametrize(
    "template",
    ["{a}-{n}-{b}", "{n}-{a}-{b}", "R{n}-{a}-{b}", "{a}_{n}_{b}", "{a} {b} #{n}", "{b} {a} {n}"],
)
def test_two_factors_and_a_replicate_in_a_title_are_told_apart(
    template: str, one: tuple[str, str], other: tuple[str, str]
) -> None:
    check_told_apart(template, one, other)


@pytest.mark.parametrize("template", ["{a}_{n}_{b}", "{a} {b} #{n}", "{b} {a} {n}"])
def test_a_sign_at_either_end_of_a_title_is_kept(template: str) -> None:
    check_told_apart(template, ("siNC", "siYAP"), ("- dox", "+ dox"))


def check_told_apart(template: str, one: tuple[str, str], other: tuple[str, str]) -> None:
    """Each combination of two factors in titles, with three replicates, is a group."""
    wanted = [(a, b) for a in one for b in other for _ in range(3)]
    titles = [template.format(a=a, b=b, n=i % 3 + 1) for i, (a, b) in enumerate(wanted)]
    groups = _curated({"title": titles}).groups
    found = [groups[f"GSM{i}"] for i in range(len(titles))]
    assert len(set(zip(found, wanted, strict=True))) == len(set(found)) == 4


def test_a_strain_is_of_its_organism_and_a_cross_is_not() -> None:
    told = ["Mus musculus", "Mus musculus domesticus", "Mus musculus x Mus spretus"] * 2
    columns = {"treatment": ["a", "a", "a", "b", "b", "b"], "organism": told}
    assert set(_curated(columns).unused) == {"GSM2", "GSM5"}
    beyond = {"treatment": ["a", "b"], "organism": ["Homo sapiens"] * 2}
    refusal = _refused(beyond)
    assert refusal.code == "too_few_samples"
    assert "0 usable samples (2 of Homo sapiens)" in refusal.message


def test_macrophages_are_no_numbered_animals() -> None:
    titles = [f"{kind} {i}" for kind in ("M0", "M1", "M2") for i in (1, 2, 3)]
    assert set(_curated({"title": titles}).groups.values()) == {"M0", "M1", "M2"}
    beside = {"title": [f"{group} {i}" for group in ("Ctl", "Exp") for i in (1, 2, 3)]}
    assert _pairs(_curated(beside)) == [("Exp", "Ctl", "reference")]


def test_a_column_of_ages_without_an_age_does_no_harm() -> None:
    curation = _curated({"treatment": ["PBS"] * 3 + ["LPS"] * 3, "age": ["NA"] * 6})
    assert _pairs(curation) == [("LPS", "PBS", "reference")]


def test_nd_is_a_diet_beside_diets_and_missing_else() -> None:
    assert _pairs(_curated({"diet": ["ND"] * 3 + ["HFD"] * 3})) == [("HFD", "ND", "reference")]
    assert _refused({"grade": ["ND"] * 3 + ["high"] * 3}).code == "one_condition"


@pytest.mark.parametrize(
    ("column", "levels"),
    [("experiment group", ("control", "treated")), ("cohort", ("young", "aged"))],
)
def test_what_is_compared_is_no_batch(column: str, levels: tuple[str, str]) -> None:
    curation = _curated({column: [levels[0]] * 3 + [levels[1]] * 3})
    assert [(c.test, c.reference) for c in curation.contrasts] == [(levels[1], levels[0])]


def test_plus_and_minus_are_levels() -> None:
    plus = _curated({"Cre": ["+", "+", "-", "-"]})
    assert _pairs(plus) == [("+", "-", "reference")]


def test_groups_in_titles_are_found_without_the_replicates() -> None:
    titles = [f"{g}_{t}_rep{i}" for g in ("WT", "KO") for t in ("PBS", "LPS") for i in (1, 2, 3)]
    curation = _curated({"title": titles, "tissue": ["lung"] * 12})
    assert {(c.test, c.reference) for c in curation.contrasts} == {
        ("KO.LPS", "KO.PBS"),
        ("WT.LPS", "WT.PBS"),
        ("KO.LPS", "WT.LPS"),
        ("KO.PBS", "WT.PBS"),
    }
    assert "factor_from_text" in curation.flags
    assert curation.confidence < 0.9


def test_two_libraries_of_one_animal_are_one_sample() -> None:
    columns = {
        "genotype": ["WT"] * 4 + ["KO"] * 4,
        "biosample": ["S1", "S1", "S2", "S2", "S3", "S3", "S4", "S4"],
        "title": [f"{g}_{b}_{t}" for g in ("WT", "KO") for b in (1, 2) for t in (1, 2)],
    }
    curation = _curated(columns)
    assert list(curation.groups) == ["GSM0", "GSM2", "GSM4", "GSM6"]
    assert curation.summed["GSM0"] == ("GSM0", "GSM1")
    alike = {**columns, "biosample": ["S1", "S2", "S3", "S4"] * 2}
    assert len(_curated(alike).groups) == 8


def test_other_organisms_and_assays_leave_with_a_reason() -> None:
    columns = {
        "treatment": ["drug", "drug", "ctrl", "ctrl", "drug", "ctrl"],
        "organism": ["Mus musculus"] * 5 + ["Homo sapiens"],
        "library_strategy": ["RNA-Seq"] * 4 + ["ChIP-Seq", "RNA-Seq"],
    }
    curation = _curated(columns)
    assert curation.unused == {"GSM4": "ChIP-Seq and not RNA-Seq", "GSM5": "of Homo sapiens"}


def test_settings_and_sample_names_are_checked() -> None:
    with pytest.raises(ValueError, match="min_replicates"):
        CurateSettings(min_replicates=0)
    with pytest.raises(ValueError, match="max_groups"):
        CurateSettings(max_groups=1)
    samples = pd.DataFrame({"group": ["a", "b"]}, index=["s", "s"])
    with pytest.raises(ValueError, match="once"):
        curate(samples, FREE)


cell = st.sampled_from(["a", "b", "ctrl", "WT", "2 h", "4 h", "NA", None, "IL-4", "7", "WT a", "M"])
name = st.sampled_from(
    ["group", "time", "treatment", "sex", "run", "x", "y", "Genotype", "title", "batch", "mouse"]
)


@settings(deadline=None)
@given(data=st.data(), n=st.integers(1, 9))
def test_the_order_of_rows_and_columns_plays_no_part(data: st.DataObject, n: int) -> None:
    names = data.draw(st.lists(name, min_size=1, max_size=5, unique=True))
    samples = _samples({c: data.draw(st.lists(cell, min_size=n, max_size=n)) for c in names})
    turned = samples.loc[data.draw(st.permutations(list(samples.index)))]
    turned = turned[data.draw(st.permutations(names))]
    results: list[object] = []
    for table in (samples, turned):
        try:
            results.append(curate(table, FREE))
        except Refusal as refusal:
            results.append((refusal.code, refusal.message))
    assert results[0] == results[1]
    found = results[0]
    if isinstance(found, Curation):
        members = {m for sample in found.groups for m in found.summed[sample]}
        assert members | set(found.unused) == set(samples.index)
        assert not members & set(found.unused)
        groups = list(found.groups.values())
        for contrast in found.contrasts:
            assert contrast.test != contrast.reference
            assert min(groups.count(contrast.test), groups.count(contrast.reference)) >= 2
        assert 0 < found.confidence <= 1

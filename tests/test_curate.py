"""From sample tables to contrasts: the factor, its groups, the reference, and every reason why not."""

from collections.abc import Mapping, Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.curate.curate import ContrastPlan, CurateSettings, Curation, curate
from pipeline.sources.refusal import Refusal

FREE = CurateSettings()


def _samples(columns: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    n = len(next(iter(columns.values()), "four"))
    return pd.DataFrame(dict(columns), index=[f"s{i}" for i in range(n)], dtype=object)


def _refused(columns: Mapping[str, Sequence[object]], settings: CurateSettings = FREE) -> Refusal:
    with pytest.raises(Refusal) as caught:
        curate(_samples(columns), settings)
    return caught.value


def _pairs(curation: Curation) -> list[tuple[str, str, str]]:
    return [(c.test, c.reference, c.direction) for c in curation.contrasts]


SIX = ["a", "a", "b", "b", "c", "c"]


def test_one_factor_gives_every_other_level_against_the_control() -> None:
    curation = curate(_samples({"treatment": ["drug", "ctrl", "drug", "ctrl", "x", "x"]}), FREE)
    assert curation.factor == "treatment"
    assert (curation.reference, curation.reference_word) == ("ctrl", "ctrl")
    assert curation.groups == {
        f"s{i}": level for i, level in enumerate(["drug", "ctrl", "drug", "ctrl", "x", "x"])
    }
    assert curation.contrasts == (
        ContrastPlan("drug", "ctrl", "reference"),
        ContrastPlan("x", "ctrl", "reference"),
    )
    assert (curation.unused, curation.flags) == ({}, ())


def test_levels_of_any_kind_survive() -> None:
    levels = ["IL-4", "IL-4", "a_vs_b", "a_vs_b", "50% µM α:β", "50% µM α:β"]
    curation = curate(_samples({"group": levels}), FREE)
    assert set(curation.groups.values()) == set(levels)
    assert {c.test for c in curation.contrasts} | {curation.contrasts[0].reference} == set(levels)


def test_without_a_control_the_comparison_is_arbitrary_and_has_no_reference() -> None:
    curation = curate(_samples({"Group": SIX}), FREE)
    assert (curation.reference, curation.reference_word) == (None, "")
    assert _pairs(curation) == [("b", "a", "arbitrary"), ("c", "a", "arbitrary")]


def test_times_are_compared_with_the_first_in_the_order_of_time() -> None:
    curation = curate(_samples({"time": ["10 d", "10 d", "9 d", "9 d", "2 d", "2 d"]}), FREE)
    assert curation.reference == "2 d"
    assert _pairs(curation) == [("9 d", "2 d", "ordered"), ("10 d", "2 d", "ordered")]


@pytest.mark.parametrize(
    "column",
    [
        "replicate", "batch", "Lane", "Run", "isolation_date", "files", "lib.size", "GEO_Accession (exp)",
        "sex", "Gender", "age", "Age (days)", "mouse", "mouse_id", "Patient", "DATASTORE filetype", "RIN",
        "sample", "sample name", "LibraryLayout", "ReleaseDate",
    ],
)  # fmt: skip
def test_columns_on_handling_subject_sex_or_age_are_not_the_factor(column: str) -> None:
    other = ["p", "q", "p", "q", "p", "q"]
    assert curate(_samples({column: other, "genotype": SIX}), FREE).factor == "genotype"
    assert _refused({column: other}).code == "no_factor"
    assert curate(_samples({column: other}), CurateSettings(factor=column)).factor == column


@pytest.mark.parametrize(
    "column",
    ["mouse strain", "disease status", "cell type", "sample type", "source_name_ch1", "region"],
)
def test_columns_on_what_a_sample_is_can_be_the_factor(column: str) -> None:
    assert curate(_samples({column: SIX}), FREE).factor == column


def test_constant_unique_empty_and_measured_columns_are_not_the_factor() -> None:
    columns: dict[str, list[object]] = {
        "strain": ["B6"] * 6,
        "comment": list("uvwxyz"),
        "empty": [None, "", "NA", float("nan"), pd.NA, "n/a"],
        "glucose": ["5.1", "5.1", "7", "7", "9", "9"],
        "score": [1, 1, 2, 2, 3, 3],
    }
    message = _refused(columns).message
    for told in (
        "'strain' is constant",
        "'comment' is different in",
        "'empty' is empty",
        "a measurement",
    ):
        assert told in message
    assert curate(_samples({**columns, "x": SIX}), FREE).factor == "x"
    assert curate(_samples({"dose": columns["score"]}), FREE).reference == "1"


def test_columns_that_tell_the_same_are_one_and_the_likeliest_name_is_kept() -> None:
    curation = curate(
        _samples(
            {
                "characteristics_ch1.1": [f"treatment: {level}" for level in SIX],
                "colour": ["red", "red", "blue", "blue", "green", "green"],
                "treatment:ch1": SIX,
            }
        ),
        FREE,
    )
    assert curation.factor == "treatment:ch1"
    assert set(curation.flags) == {"same_as:characteristics_ch1.1", "same_as:colour"}


def test_cells_of_geo_characteristics_are_read_by_their_key() -> None:
    columns = {
        "characteristics_ch1": [f"age: {age} weeks" for age in (8, 8, 8, 9, 9, 9)],
        "characteristics_ch1.1": [f"genotype: {level}" for level in ("KO", "WT") * 3],
    }
    curation = curate(_samples(columns), FREE)
    assert (curation.factor, curation.reference) == ("characteristics_ch1.1", "WT")


def test_the_column_that_contains_the_others_is_the_factor() -> None:
    cell, stage = ["lum", "lum", "bas", "bas"] * 2, ["virgin"] * 4 + ["lactate"] * 4
    joined = [f"{c}.{s}" for c, s in zip(cell, stage, strict=True)]
    assert curate(_samples({"cell": cell, "stage": stage, "zz": joined}), FREE).factor == "zz"
    nested = {
        "infection": ["no", "no", "flu", "flu", "flu", "flu"],
        "time": ["Day0"] * 2 + ["Day4"] * 2 + ["Day8"] * 2,
    }
    assert curate(_samples(nested), FREE).factor == "time"


def test_a_column_with_gaps_does_not_contain_one_without() -> None:
    columns: dict[str, list[object]] = {
        "treatment": ["none", "none", "drug", "drug", "drug", "drug"],
        "dose": [None, None, "1 mg", "1 mg", "2 mg", "2 mg"],
    }
    assert _refused(columns).code == "several_factors"


def test_two_crossed_columns_are_refused_with_both_and_the_cure() -> None:
    columns = {"treatment": ["PCI", "sham"] * 4, "time": ["3 d"] * 4 + ["20 d"] * 4}
    refusal = _refused(columns)
    assert refusal.code == "several_factors"
    assert "'time' (20 d × 4, 3 d × 4); 'treatment' (PCI × 4, sham × 4)" in refusal.message
    assert "set factor to one of them" in refusal.message
    chosen = curate(_samples(columns), CurateSettings(factor="TREATMENT"))
    assert (chosen.factor, chosen.reference) == ("treatment", "sham")


def test_a_fine_column_is_not_passed_over_for_a_coarse_one() -> None:
    fine, coarse = list("abcdefgh") * 2, ["WT", "KO"] * 8
    assert _refused({"group": fine, "genotype": coarse}).code == "too_many_levels"
    crossed = ["x"] * 8 + ["y"] * 8
    assert _refused({"group": fine, "cell": crossed}).code == "several_factors"


def test_a_column_that_is_empty_for_most_samples_is_not_the_factor() -> None:
    columns: dict[str, list[object]] = {
        "dose": ["1 mg", "1 mg", "2 mg", "2 mg", *[None] * 4],
        "group": ["a", "b"] * 4,
    }
    assert curate(_samples(columns), FREE).factor == "group"
    assert _refused({"dose": columns["dose"]}).code == "no_replicates"


def test_levels_without_replicates_and_samples_without_a_level_leave_with_a_reason() -> None:
    columns = {"group": ["a", "a", "b", "b", "lone", None, "a"]}
    curation = curate(_samples(columns), FREE)
    assert curation.unused == {"s4": "too few samples of lone", "s5": "no value of group"}
    assert set(curation.groups) == {"s0", "s1", "s2", "s3", "s6"}
    assert curation.flags == ("unreplicated_levels",)
    kept = curate(_samples(columns), CurateSettings(factor="group", min_replicates=1))
    assert kept.unused == {"s5": "no value of group"}
    assert kept.flags == ("no_replicates",)
    assert [c.test for c in kept.contrasts] == ["b", "lone"]


def test_excluded_samples_count_for_nothing() -> None:
    samples = _samples({"group": ["a", "a", "b", "b", "c", "c"]})
    curation = curate(samples, FREE, {"s0": "no counts"})
    assert curation.unused == {"s0": "no counts", "s1": "too few samples of a"}
    with pytest.raises(Refusal) as caught:
        curate(samples, FREE, dict.fromkeys(["s0", "s2", "s3", "s4"], "no counts"))
    assert caught.value.code == "no_replicates"
    with pytest.raises(Refusal) as caught:
        curate(samples, FREE, dict.fromkeys(["s0", "s1", "s2", "s3", "s4"], "no counts"))
    assert caught.value.code == "too_few_samples"
    assert "1 usable sample" in caught.value.message


def test_a_study_without_replicates_goes_through_only_when_asked() -> None:
    columns = {"treatment": ["ctrl", "drug"], "title": ["x", "y"]}
    assert _refused(columns).code == "no_replicates"
    asked = curate(_samples(columns), CurateSettings(min_replicates=1))
    assert _pairs(asked) == [("drug", "ctrl", "reference")]
    assert asked.flags == ("no_replicates",)


@pytest.mark.parametrize(
    ("columns", "settings", "code", "says"),
    [
        ({"group": ["a"] * 4}, FREE, "one_condition", "one level of 'group' (a × 4)"),
        ({"group": ["a"]}, FREE, "too_few_samples", "1 usable sample;"),
        ({"title": list("abcd")}, FREE, "no_factor", "'title' is technical"),
        ({"siRNA": ["siNC"] * 4}, FREE, "one_condition", "one level of 'siRNA' (siNC × 4)"),
        ({"mouseID": list("aabb")}, FREE, "no_factor", "'mouseID' is technical"),
        ({"tissue": ["liver"] * 4}, FREE, "no_factor", "'tissue' is constant"),
        ({}, FREE, "no_factor", "it has no columns"),
        ({"group": list("abcd")}, FREE, "no_replicates", "'group' (a × 1, b × 1"),
        ({"group": ["a", "a", "a", "b"]}, FREE, "no_replicates", "'group' (a × 3, b × 1)"),
        ({"group": list("abcdefg") * 2}, FREE, "too_many_levels", "has 7 levels, more than 6"),
        ({"g": ["a", "b"]}, CurateSettings(factor="h"), "unknown_factor", "set factor to one of 'g'"),
        ({"g": ["a", "a"]}, CurateSettings(factor="g"), "one_condition", "'g' (a × 2)"),
        ({"g": ["NA", ""]}, CurateSettings(factor="g"), "one_condition", "no value at all"),
        ({"g": ["a", "b", "b"]}, CurateSettings(factor="g"), "no_replicates", "(a × 1, b × 2)"),
        ({"g": SIX}, CurateSettings(reference="d"), "unknown_reference", "a × 2, b × 2, c × 2"),
        ({"g": [*SIX, "d"]}, CurateSettings(reference="d"), "unknown_reference", "d × 1"),
    ],
)  # fmt: skip
def test_what_can_not_be_compared_is_refused_with_the_reason(
    columns: dict[str, list[object]], settings: CurateSettings, code: str, says: str
) -> None:
    refusal = _refused(columns, settings)
    assert (refusal.code, says in refusal.message) == (code, True), refusal.message


def test_the_reference_of_the_settings_is_taken_before_any_control() -> None:
    curation = curate(_samples({"g": ["ctrl", "ctrl", "b", "b"]}), CurateSettings(reference="b"))
    assert (curation.reference, curation.reference_word) == ("b", "b")
    assert _pairs(curation) == [("ctrl", "b", "reference")]


def test_more_levels_are_taken_where_the_settings_say_so() -> None:
    columns = {"group": list("abcdefg") * 2}
    assert len(curate(_samples(columns), CurateSettings(max_levels=7)).contrasts) == 6
    assert len(curate(_samples(columns), CurateSettings(factor="group")).contrasts) == 6


def test_a_tie_of_controls_is_flagged_and_the_first_is_taken() -> None:
    curation = curate(_samples({"g": ["b wt", "b wt", "a wt", "a wt", "a ko", "a ko"]}), FREE)
    assert curation.reference is None
    assert curation.flags == ("ambiguous_reference",)
    assert _pairs(curation) == [("a ko", "a wt", "arbitrary"), ("b wt", "a wt", "arbitrary")]


def test_levels_that_differ_by_case_stay_apart_and_are_flagged() -> None:
    curation = curate(_samples({"genotype": ["Tg", "Tg", "tg", "tg"]}), FREE)
    assert curation.flags == ("levels_differ_by_case",)
    plus = curate(_samples({"Cre": ["+", "+", "-", "-"]}), FREE)
    assert _pairs(plus) == [("-", "+", "arbitrary")]


def test_settings_and_sample_names_are_checked() -> None:
    with pytest.raises(ValueError, match="min_replicates"):
        CurateSettings(min_replicates=0)
    with pytest.raises(ValueError, match="max_levels"):
        CurateSettings(max_levels=1)
    samples = pd.DataFrame({"group": ["a", "b"]}, index=["s", "s"])
    with pytest.raises(ValueError, match="once"):
        curate(samples, FREE)


cell = st.sampled_from(["a", "b", "ctrl", "WT", "2 h", "4 h", "NA", None, "IL-4", "7"])
name = st.sampled_from(["group", "time", "treatment", "sex", "run", "x", "y", "Genotype"])


@settings(deadline=None)
@given(data=st.data(), n=st.integers(1, 9))
def test_the_order_of_rows_and_columns_plays_no_part(data: st.DataObject, n: int) -> None:
    names = data.draw(st.lists(name, min_size=1, max_size=4, unique=True))
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
    if isinstance(results[0], Curation):
        found = results[0]
        assert list(found.groups) == list(results[1].groups)  # type: ignore[attr-defined]
        assert set(found.groups) | set(found.unused) == set(samples.index)
        assert not set(found.groups) & set(found.unused)
        levels = set(found.groups.values())
        assert {c.test for c in found.contrasts} == levels - {found.contrasts[0].reference}

"""Rows of a sample table to columns of a count table: how names meet, and when they must not."""

from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.join import join_samples
from pipeline.sources.refusal import Refusal


def _table(**columns: Sequence[object]) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype=object)


def _refused(names: Sequence[str], table: pd.DataFrame) -> Refusal:
    with pytest.raises(Refusal) as caught:
        join_samples(names, table)
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("names", "cells", "how"),
    [
        (["a", "b"], ["a", "b"], "same"),
        (["73494", "SEK00_1"], ["73494", "SEK00_1"], "same"),
        (["X10_6", "JMS8.2"], ["10_6", "JMS8-2"], "same but for case and signs"),
        (["wt_1", "KO_1"], ["WT 1", "ko-1"], "same but for case and signs"),
        (["GSM1", "GSM12"], ["GSM1_x.txt", "GSM12_y.txt"], "cell begins with name"),
        (
            ["73494", "SEK00_74250"],
            ["73494 (sham, 20 days, Rep. 1)", "SEK00_74250 (sham, 3 days)"],
            "cell begins with name",
        ),
        (["S1", "S12"], ["mouse S1 (wt)", "mouse S12 (wt)"], "name is a word of cell"),
        (["S1.bam", "S12.bam"], ["S1", "S12"], "name begins with cell"),
        (["S1_S12_L001", "S12_S1_L001"], ["S1", "S12"], "name begins with cell"),
        (["out/S1.sorted.bam", "out/S12.sorted.bam"], ["S1", "S12"], "cell is a word of name"),
    ],
)
def test_names_meet_in_the_strictest_way_that_fits(
    names: list[str], cells: list[str], how: str
) -> None:
    for order in (slice(None), slice(None, None, -1)):
        table = _table(group=["x", "y"], key=cells[order])
        join = join_samples(names, table)
        assert {name: table["key"][row] for name, row in join.rows.items()} == dict(
            zip(names, cells, strict=True)
        )
        assert (join.column, join.how) == ("key", how)
        assert (join.unmatched_counts, join.unmatched_rows) == ([], [])


def test_the_column_with_most_names_is_taken() -> None:
    table = _table(first=["a", "z", "y"], second=["a", "b", "c"])
    assert join_samples(["a", "b", "c"], table).column == "second"


def test_among_equal_columns_the_earlier_is_taken() -> None:
    table = _table(sample=["1", "2", "3"], mouse=["3", "1", "2"])
    assert join_samples(["1", "2", "3"], table).rows == {"1": 0, "2": 1, "3": 2}


def test_a_column_that_names_the_partner_of_each_sample_is_not_its_name() -> None:
    names, partners = ["S1", "S2", "S3", "S4"], ["S3", "S4", "S1", "S2"]
    for partner in ("matched_sample", "Control", "paired with"):
        table = _table(**{partner: partners, "sample": names})
        assert join_samples(names, table).column == "sample"
        typed = _table(**{partner: partners, "sample": ["S1", "S2", "S3", "S-4"]})
        assert "in column 'sample', 'S-4'" in _refused(names, typed).message
    assert join_samples(names, _table(reference=names, group=["x"] * 4)).column == "reference"


def test_what_only_one_side_has_is_told_and_passed_over() -> None:
    join = join_samples(["a", "b", "x"], _table(s=["b", "a"]))
    assert (join.rows, join.unmatched_counts, join.unmatched_rows) == ({"b": 0, "a": 1}, ["x"], [])
    join = join_samples(["b"], _table(s=["b", "a", "c"]))
    assert (join.unmatched_counts, join.unmatched_rows) == ([], ["a", "c"])


def test_names_left_on_both_sides_are_a_mistake_and_both_are_named() -> None:
    refusal = _refused(["a1", "a2", "a3"], _table(s=["a1", "a2", "a4"]))
    assert refusal.code == "samples_mismatch"
    assert "has 'a3' and" in refusal.message
    assert "'a4'" in refusal.message


def test_no_match_names_both_sides() -> None:
    refusal = _refused([f"a{i}" for i in range(9)], _table(s=["b1", "b2"], t=["x", None]))
    assert refusal.code == "samples_mismatch"
    assert "'a5' and 3 more" in refusal.message
    assert "'b1', 'b2'" in refusal.message


@pytest.mark.parametrize(
    ("names", "cells"),
    [
        (["rep1", "rep2"], ["wt rep1", "ko rep1", "wt rep2", "ko rep2"]),
        (["S1", "S2"], ["S10", "S20"]),
        (["1", "2"], ["1.5", "2.5"]),
        (["WT", "KO"], ["WTX", "xKO"]),
    ],
)
def test_a_name_in_two_rows_or_within_a_word_or_number_is_no_match(
    names: list[str], cells: list[str]
) -> None:
    assert _refused(names, _table(title=cells)).code == "samples_mismatch"


def test_two_rows_of_one_sample_are_refused_and_named() -> None:
    refusal = _refused(["a", "b"], _table(sample=["a", "a", "b"], run=["r1", "r2", "r3"]))
    assert refusal.code == "duplicate_sample_rows"
    assert "2 rows of the sample table name sample 'a' in column 'sample'" in refusal.message


def test_repeats_in_a_column_that_knows_no_more_names_do_no_harm() -> None:
    table = _table(pair=["a", "a", "b"], sample=["a", "b", "c"])
    assert join_samples(["a", "b", "c"], table).column == "sample"


word = st.text("abcXYZ019_-. ", min_size=1, max_size=6).map(str.strip).filter(bool)


@settings(deadline=None)
@given(data=st.data(), names=st.lists(word, min_size=1, max_size=8, unique=True))
def test_equal_names_always_meet_whatever_the_order_of_rows_and_columns(
    data: st.DataObject, names: list[str]
) -> None:
    cells = data.draw(st.permutations(names))
    other = data.draw(
        st.lists(st.sampled_from(["x", "y"]), min_size=len(names), max_size=len(names))
    )
    columns = data.draw(st.permutations([("key", cells), ("group", [f"{o}~" for o in other])]))
    join = join_samples(names, _table(**dict(columns)))
    assert {name: cells[row] for name, row in join.rows.items()} == {name: name for name in names}


@settings(deadline=None)
@given(data=st.data(), names=st.lists(word, min_size=1, max_size=6, unique=True))
def test_no_way_ever_gives_one_row_to_two_names_or_changes_with_the_order_of_rows(
    data: st.DataObject, names: list[str]
) -> None:
    cells = data.draw(st.lists(word, min_size=1, max_size=6))
    turned = data.draw(st.permutations(cells))
    results = []
    for rows in (cells, turned):
        try:
            join = join_samples(names, _table(key=rows))
        except Refusal as refusal:
            results.append(refusal.code)
        else:
            assert len(set(join.rows.values())) == len(join.rows)
            results.append(repr(sorted((name, rows[row]) for name, row in join.rows.items())))
    assert results[0] == results[1]


def test_a_thousand_samples_with_long_cells_are_joined_soon() -> None:
    names = [f"S{i}" for i in range(1000)]
    text = "total RNA was extracted, treated with DNase I (2 U, 30 min), and sequenced; " * 5
    table = _table(
        **{f"protocol{i}": [text] * 1000 for i in range(20)},
        title=[f"mouse {name}, brain, rep {i}a" for i, name in enumerate(names)],
    )
    assert len(join_samples(names, table).rows) == 1000

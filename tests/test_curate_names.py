"""Ids of contrasts: readable, never shared by two contrasts, and split back without loss."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage.contrast_id import contrast_id, split_contrast_id

part = st.one_of(
    st.text(min_size=1, max_size=12),
    st.lists(st.sampled_from(["_", "vs", "v", "s", "a", ":", "%5F", "/", " "]), min_size=1).map(
        "".join
    ),
)
Three = tuple[str, str, str]


@settings(deadline=None)
@given(contrast=st.tuples(part, part, part))
@example(contrast=("S", "a_vs", "b"))
@example(contrast=("S", "a", "vs_b"))
@example(contrast=("S", "_vs", "vs_"))
@example(contrast=("S", "vs_vs_vs", "_vs_vs_"))
@example(contrast=("S_vs_S", "a_vs_b", "a"))
def test_an_id_splits_back_into_what_it_was_made_of(contrast: Three) -> None:
    made = contrast_id(*contrast)
    assert split_contrast_id(made) == contrast
    assert made.isascii()
    assert made.isprintable()
    assert not {" ", "/"} & set(made)
    assert made.count("_vs_") - contrast[0].count("_vs_") == 1


@settings(deadline=None)
@given(a=st.tuples(part, part, part), b=st.tuples(part, part, part))
def test_two_contrasts_never_share_an_id(a: Three, b: Three) -> None:
    assert (contrast_id(*a) == contrast_id(*b)) == (a == b)


@pytest.mark.parametrize(
    ("contrast", "made"),
    [
        (("GSE1", "IL-4", "control"), "GSE1:IL-4_vs_control"),
        (("GSE1", "basal.virgin", "high_fat_diet"), "GSE1:basal.virgin_vs_high_fat_diet"),
        (("GSE1", "a_vs_b", "vs"), "GSE1:a%5Fvs_b_vs_vs"),
        (("GSE1", "10 µM", "5%"), "GSE1:10%20%C2%B5M_vs_5%25"),
        (("my study", "fl/fl", "+/+"), "my%20study:fl%2Ffl_vs_+%2F+"),
    ],
)
def test_ordinary_levels_stay_readable(contrast: Three, made: str) -> None:
    assert contrast_id(*contrast) == made


@pytest.mark.parametrize("text", ["", "S", "S:a", "S:a_vs_", ":a_vs_b", "S:_vs_b", "S:a_vs_b_vs_c"])
def test_what_is_no_id_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="no contrast id"):
        split_contrast_id(text)


def test_an_empty_level_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="two levels"):
        contrast_id("S", "", "b")

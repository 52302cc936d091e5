"""Simulated sample tables: drawn the same every time, and with a truth that holds together."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from pipeline.simulate.metadata.answer import Contrast, SimulatedMetadata, Truth
from pipeline.simulate.metadata.crossing import crossed_truth, enters
from pipeline.simulate.metadata.levels import Levels, natural_key
from pipeline.simulate.metadata.registry import HELD_OUT, OPEN, TEMPLATES, draw_metadata

N = 12 * len(TEMPLATES)  # each template twelve times
GEO_COLUMNS = {
    "title",
    "source_name",
    "organism",
    "molecule",
    "library_strategy",
    "platform",
    "biosample",
}


@cache
def drawn() -> tuple[SimulatedMetadata, ...]:
    return tuple(draw_metadata(7, number) for number in range(N))


def where(study: SimulatedMetadata) -> str:
    return f"{study.template} (seed {study.seed}, number {study.number})"


def test_every_template_is_drawn_and_has_a_name_of_its_own() -> None:
    assert len({t.name for t in TEMPLATES}) == len(TEMPLATES)
    assert Counter(s.template for s in drawn()) == {t.name: 12 for t in TEMPLATES}


def test_a_third_of_the_templates_chosen_by_lot_is_held_out() -> None:
    names = sorted(t.name for t in TEMPLATES)
    lot = np.random.default_rng(4).choice(names, size=len(names) // 3, replace=False)
    assert sorted(t.name for t in HELD_OUT) == sorted(lot)
    assert not {t.name for t in OPEN} & {t.name for t in HELD_OUT}


def test_a_study_depends_on_seed_and_number_alone() -> None:
    for number in (0, 5, 3 * len(TEMPLATES) + 2):
        a, b = draw_metadata(7, number), draw_metadata(7, number)
        pd.testing.assert_frame_equal(a.table, b.table)
        assert (a.truth, a.template, a.excluded) == (b.truth, b.template, b.excluded)
        pd.testing.assert_frame_equal(a.table, drawn()[number].table)
    assert not draw_metadata(8, 0).table.equals(draw_metadata(7, 0).table)


def test_studies_of_one_template_differ() -> None:
    for start in range(len(TEMPLATES)):
        of_one = drawn()[start :: len(TEMPLATES)]
        assert len({tuple(s.table.index) for s in of_one}) >= len(of_one) // 2, where(of_one[0])
        if "title" in of_one[0].table:
            assert len({tuple(s.table["title"]) for s in of_one}) >= len(of_one) // 2


def test_sample_names_are_unique_and_every_cell_is_text_or_missing() -> None:
    for study in drawn():
        table = study.table
        assert table.index.is_unique, where(study)
        assert table.columns.is_unique, where(study)
        for column in table:
            for cell in table[column]:
                missing = isinstance(cell, float) and np.isnan(cell)
                assert missing or (isinstance(cell, str) and cell), (where(study), column, cell)


def test_most_tables_have_the_columns_of_the_geo_reader_in_lower_case() -> None:
    geo = [s for s in drawn() if s.table.index[0].startswith("GSM")]
    assert 0.8 * N < len(geo) < N  # the others are a person's folder
    for study in geo:
        assert set(study.table.columns) >= GEO_COLUMNS, where(study)
        assert all(c == c.lower() for c in study.table.columns), where(study)
        assert study.table["biosample"].str.fullmatch(r"SAMN\d{8}").all()


def test_every_answer_is_a_refusal_or_contrasts_of_disjoint_groups_of_samples_that_are_there() -> (
    None
):
    for study in drawn():
        usable = set(study.table.index) - study.excluded
        assert study.excluded < set(study.table.index)
        for answer in study.truth.alternatives:
            assert bool(answer.refused) != bool(answer.contrasts), where(study)
            sides = {side for c in answer.contrasts for side in c[:2]}
            assert sides == answer.groups, where(study)
            members = [name for group in answer.groups for name in group]
            assert len(members) == len(set(members)), f"{where(study)}: groups overlap"
            assert set(members) <= usable, where(study)
            assert all(len(group) >= 2 for group in answer.groups), where(study)
            assert all(not a.acceptable for a in study.truth.acceptable), where(study)
            columns = answer.covariates | answer.blocks | answer.optional
            assert columns <= set(study.table.columns), where(study)
            assert not answer.covariates & answer.optional, where(study)


def test_no_contrast_of_an_answer_stands_there_twice_or_both_ways_round() -> None:
    for study in drawn():
        for answer in study.truth.alternatives:
            pairs = [frozenset(c[:2]) for c in answer.contrasts]
            assert len(pairs) == len(set(pairs)), where(study)


def test_alternatives_never_contradict_each_other_about_a_known_direction() -> None:
    for study in drawn():
        directed = {c[:2] for a in study.truth.alternatives for c in a.contrasts if c.directed}
        assert not {(b, a) for a, b in directed} & directed, where(study)


@cache
def tokens(text: str) -> frozenset[str]:
    """Words, numbers and runs of signs of a cell."""
    return frozenset(re.findall(r"[^\W\d_]+|\d+|[^\w\s]+", text.casefold()))


def tells_apart(table: pd.DataFrame, contrast: Contrast) -> bool:
    """Whether some column, or the names, has something that one side shares and the other has not."""
    names = list(table.index)
    columns: list[Iterable[object]] = [
        names,
        *(table[c].fillna("") for c in table.columns if c != "biosample"),
    ]
    for column in columns:
        cells = dict(zip(names, map(str, column), strict=True))
        a, b = ([cells[name] for name in side] for side in (contrast.test, contrast.reference))
        left, right = set(a), set(b)
        repeated = len(left) < len(a) or len(right) < len(b)
        if repeated and not left & right:
            return True
        words = [[tokens(cell) for cell in side] for side in (a, b)]
        for one, other in (words, words[::-1]):
            shared = one[0].intersection(*one)
            if shared - other[0].union(*other):
                return True
    return False


def test_what_an_answer_compares_can_be_read_from_the_table() -> None:
    for study in drawn():
        for contrast in study.truth.contrasts:
            assert tells_apart(study.table, contrast), where(study)


def test_the_truth_names_samples_and_so_holds_in_any_order_of_rows_and_columns() -> None:
    rng = np.random.default_rng(1)
    for study in drawn()[:: len(TEMPLATES) // 7]:
        table = study.table.iloc[rng.permutation(len(study.table))]
        table = table[rng.permutation(np.array(table.columns, dtype=object))]
        shuffled = replace(study, table=table)
        assert all(tells_apart(shuffled.table, c) for c in study.truth.contrasts), where(study)
        for column in table:
            pd.testing.assert_series_equal(
                table[column].sort_index(), study.table[column].sort_index()
            )


def test_about_as_many_studies_are_to_be_refused_as_there_are_templates_for_it() -> None:
    refused = [s for s in drawn() if s.truth.refused]
    assert 0.02 * N < len(refused) < 0.2 * N
    codes = {code for s in drawn() for a in s.truth.alternatives for code in a.refused}
    assert {"confounded", "no_replicates", "too_few_samples", "one_condition"} <= codes


def test_all_sheets_are_small_enough_for_a_person() -> None:
    assert max(len(s.table) for s in drawn()) <= 80


A, B, C = (frozenset(t) for t in (("a1", "a2"), ("b1", "b2"), ("c1", "c2")))


def test_a_known_direction_must_be_given_and_an_arbitrary_one_may_be_any() -> None:
    known = Truth(contrasts=frozenset({Contrast(B, A, True)}), groups=frozenset({A, B}))
    assert known.accepts([Contrast(B, A, True)])
    assert not known.accepts([Contrast(A, B, True)])
    assert not known.accepts([Contrast(B, A, False)])
    assert not known.accepts([Contrast(B, A, True), Contrast(C, A, True)])
    assert not known.accepts([])
    free = Truth(contrasts=frozenset({Contrast(B, A, False)}), groups=frozenset({A, B}))
    assert all(
        free.accepts([Contrast(*sides, d)]) for sides in ((A, B), (B, A)) for d in (True, False)
    )
    assert free.accepts_groups([A, B])
    assert not free.accepts_groups([A | B, C])


def test_a_refusal_is_right_only_where_an_answer_has_its_code() -> None:
    truth = Truth(
        contrasts=frozenset({Contrast(B, A, True)}),
        groups=frozenset({A, B}),
        acceptable=(Truth(refused=frozenset({"confounded"})),),
    )
    assert truth.accepts_refusal("confounded")
    assert not truth.accepts_refusal("no_factor")
    assert truth.allows(Contrast(B, A, True))
    assert not truth.allows(Contrast(C, A, True))


def test_covariates_must_be_those_that_the_answer_asks_for() -> None:
    truth = Truth(
        covariates=frozenset({"batch"}), blocks=frozenset({"mouse"}), optional=frozenset({"date"})
    )
    assert truth.accepts_model(["batch", "mouse"])
    assert truth.accepts_model(["batch", "date", "mouse"])
    assert not truth.accepts_model(["batch"])
    assert not truth.accepts_model(["mouse"])
    assert not truth.accepts_model(["batch", "sex", "mouse"])


def test_crossed_factors_give_every_simple_contrast_and_lone_samples_leave() -> None:
    genotype = Levels(key="genotype", values=("WT", "KO"), shorts=("WT", "KO"), reference=0)
    drug = Levels(key="drug", values=("x", "y", "z"), shorts=("x", "y", "z"))
    cells = [(g, d) for g in (0, 1) for d in (0, 1, 2) for _ in range(1 if (g, d) == (1, 2) else 2)]
    names = [f"s{i}" for i in range(len(cells))]
    truth = crossed_truth(names, cells, [genotype, drug])
    by_cell = {c: frozenset(n for n, d in zip(names, cells, strict=True) if d == c) for c in cells}
    wanted = {
        Contrast(by_cell[1, 0], by_cell[0, 0], True),
        Contrast(by_cell[1, 1], by_cell[0, 1], True),
        Contrast(by_cell[0, 1], by_cell[0, 0], False),
        Contrast(by_cell[0, 2], by_cell[0, 0], False),
        Contrast(by_cell[1, 1], by_cell[1, 0], False),
    }
    assert truth.contrasts == wanted


def test_a_covariate_enters_only_at_full_rank_and_with_three_degrees_left() -> None:
    groups = [(i,) for i in (0, 0, 0, 1, 1, 1)]
    assert enters(groups, [list("ababab")])
    assert not enters(groups, [list("aaabbb")])
    assert not enters(groups, [list("abcabc")])


@pytest.mark.parametrize(
    ("first", "second"), [("day 9", "day 10"), ("a", "B"), ("ZT4", "zt12"), ("2", "10")]
)
def test_natural_order_counts_as_a_person_does(first: str, second: str) -> None:
    assert natural_key(first) < natural_key(second)

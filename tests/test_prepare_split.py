"""Which studies are placed together, where, and that they stay there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.prepare.audit import audit_split
from pipeline.prepare.components import Link, accessions, components, links_of, super_series
from pipeline.prepare.duplicates import candidates, correlation, sketch
from pipeline.prepare.placement import place, place_rows, place_studies, study_weights
from pipeline.prepare.settings import SplitSettings
from storage.split_schema import PARTS, TRAIN

SETTINGS = SplitSettings()
names = st.sampled_from([f"S{i}" for i in range(12)])
link_lists = st.lists(
    st.builds(Link, names, names, st.just("accession"), st.just("x")), max_size=14
)


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("SRR7529789", {"SRR7529789"}),
        ("GSM1545535_10_6_5_11", {"GSM1545535"}),
        ("ERX12, DRS9,SAMN09669749", {"ERX12", "DRS9", "SAMN09669749"}),
        ("GSM12-rep1", {"GSM12"}),
        ("s1", set()),
        ("GSM12x", set()),
        ("control_GSM12", set()),
        ("SRP012", set()),
        ("", set()),
    ],
)
def test_only_names_that_begin_with_an_accession_tell_a_sample(name: str, want: set[str]) -> None:
    assert accessions([name]) == want


def test_flags_of_a_study_name_its_super_series() -> None:
    assert super_series("few_samples,super_series:GSE99,other") == {"GSE99"}
    assert super_series("few_samples") == set()


@given(link_lists)
def test_components_are_what_links_reach_and_are_called_by_their_first(links: list[Link]) -> None:
    studies = [f"S{i}" for i in range(12)]
    found = components(studies, links)
    reach = {study: {study} for study in studies}
    for _ in studies:
        for link in links:
            both = reach[link.first] | reach[link.second]
            for study in both:
                reach[study] = reach[study] | both
    assert found == {study: min(members) for study, members in reach.items()}


@given(link_lists, st.integers(0, 99))
def test_no_component_is_torn_apart_and_no_order_of_links_matters(
    links: list[Link], seed: int
) -> None:
    settings = SplitSettings(seed=seed)
    component_of = components([f"S{i}" for i in range(12)], links)
    found, conflicts = place_studies(component_of, settings, {})
    assert components([f"S{i}" for i in range(12)], links[::-1]) == component_of
    assert not conflicts
    for study, first in component_of.items():
        assert found[study] == place(first, settings)


@given(link_lists, link_lists)
def test_a_study_keeps_its_place_and_a_component_that_joins_two_is_reported(
    before: list[Link], more: list[Link]
) -> None:
    old = [f"S{i}" for i in range(8)]
    inside = [link for link in before if {link.first, link.second} <= set(old)]
    placed, _ = place_studies(components(old, inside), SETTINGS, {})
    component_of = components([f"S{i}" for i in range(12)], [*before, *more])
    found, conflicts = place_studies(component_of, SETTINGS, placed)
    assert {study: found[study] for study in old} == placed
    torn = {}
    for first in set(component_of.values()):
        places = {s: placed[s] for s in old if component_of[s] == first}
        if len(set(places.values())) > 1:
            torn[first] = places
    assert {conflict.component: conflict.places for conflict in conflicts} == torn
    for study, first in component_of.items():
        if first not in torn:
            assert found[study] == found[first]


def test_shares_of_the_parts_are_what_was_asked_for() -> None:
    settings = SplitSettings(train=0.5, validation=0.3, folds=5, seed=3)
    places = place_rows([f"S{i}:a_vs_b" for i in range(20_000)], settings)
    shares = [sum(part == wanted for part, _ in places) / 20_000 for wanted in PARTS]
    np.testing.assert_allclose(shares, [0.5, 0.3, 0.2], atol=0.02)
    folds = np.bincount([fold for _, fold in places], minlength=5) / 20_000
    np.testing.assert_allclose(folds, 0.2, atol=0.02)


@given(st.lists(st.tuples(names, st.sampled_from(PARTS)), max_size=30))
def test_contrasts_of_a_study_share_one_unit_of_weight_in_each_part(
    rows: list[tuple[str, str]],
) -> None:
    studies, parts = (np.array([row[i] for row in rows], dtype=str) for i in (0, 1))
    weights = study_weights(studies, parts)
    for row in set(rows):
        mine = (studies == row[0]) & (parts == row[1])
        assert weights[mine].sum() == pytest.approx(1, abs=1e-6)


def test_the_audit_counts_training_contrasts_that_share_with_another_part() -> None:
    studies = np.array(["A", "A", "B", "C", "D"])
    parts = np.array(["train", "train", "test", "train", "validation"])
    links = [
        *links_of([("A", "GSM1"), ("B", "GSM1")], "accession"),
        Link("C", "D", "duplicate", ""),
    ]
    audit = audit_split(studies, parts, np.zeros(5, np.int32), links, [], 2)
    assert audit.leaks == {"study": 0, "accession": 2, "super_series": 0, "duplicate": 1}
    assert not audit.clean
    assert audit.contrasts == {"train": 3, "validation": 1, "test": 1}
    torn = np.array(["train", "test", "test", "test", "test"])
    assert audit_split(studies, torn, np.zeros(5, np.int32), [], [], 2).leaks["study"] == 1


@given(st.integers(0, 2**32), st.floats(-1, 1))
@settings(max_examples=25, deadline=None)
def test_every_pair_that_correlates_is_a_candidate_and_correlates_as_numpy_says(
    seed: int, r: float
) -> None:
    rng = np.random.default_rng(seed)
    t = rng.standard_t(4, (12, 3000))
    for row in range(1, 12, 2):
        near = r if row < 6 else np.sign(r or 1) * 0.97
        t[row] = near * t[row - 1] + np.sqrt(1 - near**2) * t[row]
    t += rng.normal(size=(12, 1))
    whole = t.astype(np.float32)
    t[rng.random(t.shape) < 0.05] = np.nan
    given_t = t.astype(np.float32)
    group = np.arange(12)
    pairs = {tuple(p) for block in candidates(sketch(given_t), group, 0.95) for p in block.tolist()}
    for a in range(12):
        for b in range(a + 1, 12):
            both = ~np.isnan(given_t[[a, b]]).any(axis=0)
            want = np.corrcoef(given_t[a, both], given_t[b, both])[0, 1]
            assert correlation(given_t[a], given_t[b], 100) == pytest.approx(want, abs=1e-6)
            if abs(want) > 0.95:
                assert (a, b) in pairs
    assert correlation(whole[0], np.full(3000, np.nan, np.float32), 100) == 0


def test_contrasts_of_one_group_are_no_candidates_and_constant_ones_correlate_with_none() -> None:
    t = np.random.default_rng(0).normal(size=(1, 500)).astype(np.float32).repeat(3, axis=0)
    t[2] = 4.0
    found = list(candidates(sketch(t), np.array([0, 0, 1]), 0.95))
    assert not sum(map(len, found))
    assert correlation(t[0], t[2], 100) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"train": 0.9, "validation": 0.2}, "shares that sum to 1"),
        ({"train": 0.0}, "shares"),
        ({"folds": 1}, "folds must be at least 2, got 1"),
        ({"duplicate_correlation": 0.0}, "duplicate_correlation"),
        ({"duplicate_genes": 2}, "duplicate_genes"),
    ],
)
def test_settings_that_make_no_split_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SplitSettings(**wrong)  # type: ignore[arg-type]
    assert TRAIN in PARTS

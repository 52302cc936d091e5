"""Enrichment of a study: the arrays, their labels, and that nothing depends on the batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.dea.arrays import Bools, Floats
from pipeline.enrich.annotation import Annotation
from pipeline.enrich.gene_sets import GeneSets, propagate
from pipeline.enrich.ontology import Ontology, Relations, Term, make_ontology
from pipeline.enrich.settings import EnrichSettings
from pipeline.enrich.study import choose_candidates, enrich_study
from pipeline.enrich.term_axis import TermAxis, make_term_axis
from pipeline.stages.enrich_study import ENRICH_VERSION
from storage.enrichment_schema import BOTH, DOWN, TESTABLE, UP
from tests.golden.enrich.engine import enrichment_numbers, read_enrichment_golden

N_GENES = 400


def random_ontology(seed: int, n_terms: int = 120) -> Ontology:
    """Two domains; every term has parents among the earlier ones of its domain."""
    rng = np.random.default_rng(seed)
    terms = []
    for i in range(n_terms):
        earlier = [j for j in range(i) if j % 2 == i % 2]
        n_parents = min(len(earlier), int(rng.integers(1, 3)))
        chosen = rng.permutation(earlier)[:n_parents].tolist()
        relation = "is_a" if rng.random() < 0.8 else "regulates"
        parents = tuple((relation, f"T{j:03}") for j in map(int, chosen))
        terms.append(Term(id=f"T{i:03}", name=f"t{i}", domain="ab"[i % 2], parents=parents))
    return make_ontology(terms, source="simulated")


def random_annotation(seed: int, ontology: Ontology, n_genes: int = N_GENES) -> Annotation:
    rng = np.random.default_rng(seed)
    pairs = np.unique(rng.integers(0, [n_genes, len(ontology.ids)], size=(2 * n_genes, 2)), axis=0)
    genes = tuple(f"g{i:04}" for i in range(n_genes))
    return Annotation(genes, pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32), {})


def random_study(seed: int = 0) -> tuple[TermAxis, Floats, Bools]:
    """A term axis, t of four contrasts with one background, and candidates."""
    ontology = random_ontology(seed)
    annotation = random_annotation(seed, ontology)
    axis = make_term_axis(annotation, ontology, Relations.all, annotation.genes, {})
    sets = axis.sets
    rng = np.random.default_rng(seed)
    is_background = rng.random(N_GENES) < 0.8
    planted = np.zeros(N_GENES, np.bool_)
    planted[np.repeat(np.arange(N_GENES), np.diff(sets.start))[sets.terms == 6]] = True
    candidates = rng.random((4, 3, N_GENES)) < 0.05
    candidates[0, UP] |= planted
    candidates[1, DOWN] = False
    candidates[2, UP] = False
    candidates[2, UP, np.flatnonzero(is_background & (np.diff(sets.start) > 0))[:2]] = True
    t = np.where(is_background, rng.normal(size=(4, N_GENES)), np.nan)
    t[0, planted] += 4
    return axis, t, candidates


NO_ARBITRARY = np.zeros(4, np.bool_)


def table_of(sets: GeneSets) -> Bools:
    table = np.zeros((sets.n_genes, sets.n_terms), np.bool_)
    table[np.repeat(np.arange(sets.n_genes), np.diff(sets.start)), sets.terms] = True
    return table


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_propagation_only_adds_and_follows_every_edge(seed: int) -> None:
    ontology = random_ontology(seed, 40)
    annotation = random_annotation(seed, ontology, 50)
    direct = np.zeros((50, 40), np.bool_)
    direct[annotation.gene, annotation.term] = True
    few = table_of(propagate(annotation, ontology, Relations.is_a_part_of))
    many = table_of(propagate(annotation, ontology))
    assert (few >= direct).all()
    assert (many >= few).all()
    child, parent = ontology.edges()
    assert (many[:, parent] >= many[:, child]).all()
    reachable = np.eye(40, dtype=np.bool_)
    reachable[child, parent] = True
    for _ in range(6):
        reachable = reachable @ reachable
    np.testing.assert_array_equal(many, direct @ reachable)


def test_sets_can_be_taken_to_another_gene_axis() -> None:
    sets = random_study()[0].sets
    axis = np.array([5, -1, 3, 3, 399])
    want = table_of(sets)[axis]
    want[1] = False
    np.testing.assert_array_equal(table_of(sets.take(axis)), want)


def test_a_term_axis_has_the_terms_with_genes_and_the_edges_between_them() -> None:
    ontology = random_ontology(1)
    annotation = random_annotation(1, ontology)
    few = [gene for i, gene in enumerate(annotation.genes) if i % 40 == 0]
    axis = make_term_axis(annotation, ontology, Relations.all, ["unknown", *few], {})
    table = table_of(propagate(annotation, ontology))[::40]
    kept = table.any(axis=0)
    assert 0 < kept.sum() < len(ontology.ids)
    assert axis.ids == tuple(np.array(ontology.ids)[kept])
    np.testing.assert_array_equal(table_of(axis.sets)[1:], table[:, kept])
    assert not table_of(axis.sets)[0].any()
    # Labels that hold for a term's genes hold above it: along the edges nothing is lost.
    many = table_of(axis.sets)
    assert (many[:, axis.parent] >= many[:, axis.child]).all()
    assert axis.sha256 != make_term_axis(annotation, ontology, Relations.all, few, {}).sha256


def test_a_planted_term_is_found_and_numbers_fit_together() -> None:
    axis, t, candidates = random_study()
    found = enrich_study(axis, t, candidates, NO_ARBITRARY, EnrichSettings(random_sets=200))
    is_background = ~np.isnan(t[0])
    statistics, numbers = found.statistics, found.numbers
    table = table_of(axis.sets) & is_background[:, None]
    np.testing.assert_array_equal(statistics["term_size"], [table.sum(axis=0)] * 4)
    place = axis.ids.index("T006")
    assert statistics["label"][0, UP, place] == statistics["label_rank"][0, UP, place] == 1
    assert statistics["label_rank"][0, DOWN, place] == 0
    assert statistics["fwer"][0, UP, place] == statistics["rank_fwer"][0, UP, place] == 0
    inside = candidates & is_background
    tested = statistics["overlap"] >= 0
    want = (inside.astype(int) @ table)[tested]
    np.testing.assert_array_equal(statistics["overlap"][tested], want)
    for d in range(2):
        annotated = table[:, axis.sets.domain_of == d].any(axis=1)
        assert (numbers["n_background"][:, d] == annotated.sum()).all()
        want = (inside & annotated).sum(axis=2)
        np.testing.assert_array_equal(numbers["n_candidates"][:, :, d], want)
    assert (statistics["neg_log10_adj_p"] <= statistics["neg_log10_p"] + 1e-6)[tested].all()


def test_rank_sums_of_a_study_are_those_of_mann_and_whitney() -> None:
    axis, t, candidates = random_study()
    found = enrich_study(axis, t, candidates, NO_ARBITRARY, EnrichSettings(random_sets=50))
    table = table_of(axis.sets) & ~np.isnan(t[0])[:, None]
    for term in (3, 6, 40):
        domain = axis.sets.domain_of == axis.sets.domain_of[term]
        annotated = table[:, domain].any(axis=1)
        inside, outside = annotated & table[:, term], annotated & ~table[:, term]
        for direction, values, side in (
            (UP, t[0], "greater"),
            (DOWN, t[0], "less"),
            (BOTH, np.abs(t[0]), "greater"),
        ):
            want = stats.mannwhitneyu(  # type: ignore[call-overload]
                values[inside], values[outside], alternative=side, method="asymptotic"
            ).pvalue
            got = found.statistics["rank_neg_log10_p"][0, direction, term]
            np.testing.assert_allclose(got, -np.log10(want), rtol=1e-5, atol=1e-12)


def test_closed_labels_hold_for_every_term_above() -> None:
    axis, t, candidates = random_study()
    found = enrich_study(axis, t, candidates, NO_ARBITRARY, EnrichSettings(random_sets=200))
    start, above = axis.above
    for name in ("label", "label_raw", "label_rank"):
        tested, closed = found.statistics[name], found.statistics[f"{name}_closed"]
        want = tested.copy()
        for row, direction, term in np.argwhere(tested == 1):
            over = above[start[term] : start[term + 1]]
            want[row, direction, over] = np.where(want[row, direction, over] == -1, -1, 1)
        np.testing.assert_array_equal(closed, want)
    assert (found.statistics["label_raw_closed"] != found.statistics["label_raw"]).any()


def test_what_can_not_be_tested_is_not_called_not_enriched() -> None:
    axis, t, candidates = random_study()
    smallest = int(np.argmin(np.bincount(axis.sets.terms)))
    t[:, table_of(axis.sets)[:, smallest]] = np.nan
    candidates[:, :, np.isnan(t[0])] = False
    arbitrary = np.array([False, False, False, True])
    candidates[3, :BOTH] = False
    t[3] = np.nan
    t = np.concatenate([t, t[:1]])
    candidates = np.concatenate([candidates, candidates[:1]])
    arbitrary = np.append(arbitrary, True)
    candidates[4, :BOTH] = False
    found = enrich_study(axis, t, candidates, arbitrary, EnrichSettings(random_sets=100))
    statistics, codes = found.statistics, found.numbers["testable"]
    assert (statistics["label"][1, DOWN] == -1).all()
    assert np.isnan(statistics["fwer"][1, DOWN]).all()
    assert (statistics["overlap"][1, DOWN] == -1).all()
    # Two candidates are tested, but are too few for a label.
    assert (statistics["label"][2, UP] == -1).all()
    assert not np.isnan(statistics["neg_log10_p"][2, UP]).all()
    assert (statistics["term_size"][:, smallest] == 0).all()
    assert (statistics["label"][:, :, smallest] == -1).all()
    reasons = [[{TESTABLE[int(c)] for c in codes[row, d]} for d in range(3)] for row in range(5)]
    assert reasons[1][DOWN] == {"no_candidates"}
    assert reasons[2][UP] == {"too_few_candidates"}
    assert reasons[3] == [{"no_replication"}] * 3
    assert reasons[4][:BOTH] == [{"arbitrary_direction"}] * 2
    assert reasons[0] == reasons[4][BOTH:] * 3 == [{"testable"}] * 3
    # A contrast without a direction is ranked by |t| alone.
    assert np.isnan(statistics["rank_fwer"][4, :BOTH]).all()
    assert not np.isnan(statistics["rank_fwer"][4, BOTH]).all()


def test_results_are_the_same_bits_however_contrasts_are_batched() -> None:
    axis, t, candidates = random_study()
    # Two backgrounds in one study.
    t[2:, :50] = np.nan
    chosen = EnrichSettings(random_sets=100, seed=5)
    together = enrich_study(axis, t, candidates, NO_ARBITRARY, chosen)
    for i in range(4):
        one = slice(i, i + 1)
        alone = enrich_study(axis, t[one], candidates[one], NO_ARBITRARY[one], chosen)
        for name, array in alone.statistics.items():
            np.testing.assert_array_equal(array[0], together.statistics[name][i])
        for name, array in alone.numbers.items():
            np.testing.assert_array_equal(array[0], together.numbers[name][i])
    n = together.numbers["n_background"]
    assert (n[0] == n[1]).all()
    assert (n[1] > n[2]).all()


def test_raw_labels_are_many_where_family_wise_labels_are_few() -> None:
    axis, t, _ = random_study()
    random = np.random.default_rng(9).random((60, 3, N_GENES)) < 0.1
    many = np.repeat(t[1:2], 60, axis=0)
    settings_of = EnrichSettings(random_sets=200)
    found = enrich_study(axis, many, random, np.zeros(60, np.bool_), settings_of).statistics
    share = {name: (found[name] == 1).any(axis=2).mean() for name in ("label", "label_raw")}
    assert share["label_raw"] > 0.8
    assert share["label"] < 0.25


def test_a_ranking_with_many_ties_has_shuffles_of_its_own() -> None:
    axis, t, candidates = random_study()
    rounded = np.round(t[1:3] * 2) / 2
    settings_of = EnrichSettings(random_sets=300)
    mixed = np.concatenate([t[:1], rounded])
    found = enrich_study(axis, mixed, candidates[:3], NO_ARBITRARY[:3], settings_of).statistics
    only = enrich_study(axis, rounded, candidates[1:3], NO_ARBITRARY[:2], settings_of).statistics
    np.testing.assert_array_equal(found["rank_fwer"][1:], only["rank_fwer"])


def test_genes_that_were_not_tested_change_nothing_where_some_are_tied() -> None:
    ontology = random_ontology(3)
    annotation = random_annotation(3, ontology)
    t = np.random.default_rng(3).normal(size=(1, N_GENES))
    t[0, :20] = t.min() - 1
    found = []
    for n_untested in (0, 30_000):
        ids = (*annotation.genes, *(f"x{i}" for i in range(n_untested)))
        axis = make_term_axis(annotation, ontology, Relations.all, ids, {})
        padded = np.pad(t, ((0, 0), (0, n_untested)), constant_values=np.nan)
        nobody = np.zeros((1, 3, len(ids)), np.bool_)
        found.append(enrich_study(axis, padded, nobody, np.zeros(1, np.bool_), EnrichSettings()))
    for name, values in found[0].statistics.items():
        np.testing.assert_array_equal(values, found[1].statistics[name], err_msg=name)


def test_an_empty_background_and_no_contrasts_are_no_error() -> None:
    axis, t, candidates = random_study()
    nothing = np.full(t.shape, np.nan)
    found = enrich_study(axis, nothing, candidates, NO_ARBITRARY, EnrichSettings())
    assert (found.statistics["label"] == -1).all()
    none = enrich_study(axis, t[:0], candidates[:0], NO_ARBITRARY[:0], EnrichSettings())
    assert none.statistics["label"].shape[0] == 0


def test_candidates_have_a_direction_only_where_the_contrast_has() -> None:
    logfc = np.array([[2.0, -2.0, 0.5, np.nan], [2.0, -2.0, 0.5, 1.0]])
    adjusted = -np.log10(np.array([[0.01, 0.01, 0.01, np.nan], [0.01, 0.2, 0.01, np.nan]]))
    chosen = choose_candidates(
        logfc, adjusted, np.array([False, True]), EnrichSettings(min_logfc=1.0)
    )
    assert chosen[0].astype(int).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]]
    assert not chosen[1, [UP, DOWN]].any()
    assert chosen[1, BOTH].astype(int).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    "setting", [{"alpha": 0.0}, {"random_sets": 0}, {"min_logfc": -1.0}, {"min_candidates": 0}]
)
def test_settings_out_of_range_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        EnrichSettings(**setting)  # type: ignore[arg-type]


def test_a_number_that_changes_needs_a_new_enrich_version() -> None:
    write_again = "run `python -m tests.golden.enrich.engine` and commit the file"
    version, before = read_enrichment_golden()
    assert version == ENRICH_VERSION, write_again
    now = enrichment_numbers()
    assert now.keys() == before.keys()
    assert (now["label"] == 1).any()
    for name, values in now.items():
        np.testing.assert_allclose(
            values,
            before[name],
            rtol=1e-6,
            atol=1e-9,
            err_msg=f"{name} changed: bump ENRICH_VERSION, then {write_again}",
        )

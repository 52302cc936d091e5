"""Enrichment of a study: the arrays, their labels, and that nothing depends on the batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dea.arrays import Bools
from pipeline.enrich.annotation import Annotation
from pipeline.enrich.gene_sets import GeneSets, propagate
from pipeline.enrich.ontology import Ontology, Relations, Term, make_ontology
from pipeline.enrich.settings import BOTH, DOWN, UP, EnrichSettings, LabelBy
from pipeline.enrich.study import choose_candidates, enrich_study

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


def random_study(seed: int = 0) -> tuple[GeneSets, Bools, Bools]:
    ontology = random_ontology(seed)
    sets = propagate(random_annotation(seed, ontology), ontology)
    rng = np.random.default_rng(seed)
    is_background = rng.random(N_GENES) < 0.8
    planted = np.zeros(N_GENES, np.bool_)
    planted[np.repeat(np.arange(N_GENES), np.diff(sets.start))[sets.terms == 6]] = True
    candidates = rng.random((4, 3, N_GENES)) < 0.05
    candidates[0, UP] |= planted
    candidates[1, DOWN] = False
    candidates[2, UP] = False
    candidates[2, UP, np.flatnonzero(is_background & (np.diff(sets.start) > 0))[:2]] = True
    return sets, is_background, candidates


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
    sets = random_study()[0]
    axis = np.array([5, -1, 3, 3, 399])
    want = table_of(sets)[axis]
    want[1] = False
    np.testing.assert_array_equal(table_of(sets.take(axis)), want)


def test_a_planted_term_is_found_and_numbers_fit_together() -> None:
    sets, is_background, candidates = random_study()
    found = enrich_study(sets, 2, is_background, candidates, EnrichSettings(random_sets=200))
    table = table_of(sets) & is_background[:, None]
    np.testing.assert_array_equal(found.term_size, table.sum(axis=0))
    assert found.label[0, UP, 6] == 1
    assert found.fwer[0, UP, 6] == 0
    inside = candidates & is_background
    tested = found.overlap >= 0
    np.testing.assert_array_equal(found.overlap[tested], (inside.astype(int) @ table)[tested])
    for d in range(2):
        annotated = table[:, sets.domain_of == d].any(axis=1)
        assert found.n_background[d] == annotated.sum()
        np.testing.assert_array_equal(found.n_candidates[:, :, d], (inside & annotated).sum(axis=2))
    assert (found.neg_log10_adj_p[tested] <= found.neg_log10_p[tested] + 1e-12).all()


def test_what_can_not_be_tested_is_not_called_not_enriched() -> None:
    sets, is_background, candidates = random_study()
    smallest = int(np.argmin(np.bincount(sets.terms)))
    is_background &= ~table_of(sets)[:, smallest]
    found = enrich_study(sets, 2, is_background, candidates, EnrichSettings(random_sets=100))
    assert (found.label[1, DOWN] == -1).all()
    assert np.isnan(found.fwer[1, DOWN]).all()
    assert (found.overlap[1, DOWN] == -1).all()
    # Two candidates are tested, but are too few for a label.
    assert (found.label[2, UP] == -1).all()
    assert not np.isnan(found.neg_log10_p[2, UP]).all()
    assert found.term_size[smallest] == 0
    assert (found.label[:, :, smallest] == -1).all()


def test_results_are_the_same_bits_however_contrasts_are_batched() -> None:
    sets, is_background, candidates = random_study()
    chosen = EnrichSettings(random_sets=100, seed=5)
    together = enrich_study(sets, 2, is_background, candidates, chosen)
    for i in range(4):
        alone = enrich_study(sets, 2, is_background, candidates[i : i + 1], chosen)
        for name in ("overlap", "neg_log10_p", "neg_log10_adj_p", "fwer", "label", "n_candidates"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[i])


def test_raw_labels_are_many_where_family_wise_labels_are_few() -> None:
    sets, is_background, _ = random_study()
    random = np.random.default_rng(9).random((60, 1, N_GENES)) < 0.1
    by = {
        label_by: enrich_study(
            sets, 2, is_background, random, EnrichSettings(random_sets=200, label_by=label_by)
        ).label
        for label_by in LabelBy
    }
    n = {label_by: (label == 1).any(axis=(1, 2)).mean() for label_by, label in by.items()}
    assert n[LabelBy.raw] > 0.8
    assert n[LabelBy.fwer] < 0.25


def test_an_empty_background_and_no_contrasts_are_no_error() -> None:
    sets, _, candidates = random_study()
    nothing = np.zeros(N_GENES, np.bool_)
    found = enrich_study(sets, 2, nothing, candidates, EnrichSettings())
    assert (found.label == -1).all()
    assert enrich_study(sets, 2, ~nothing, candidates[:0], EnrichSettings()).label.shape[0] == 0


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

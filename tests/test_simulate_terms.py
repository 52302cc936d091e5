"""Simulated terms: the programs and decoys, readable as any ontology and annotation."""

import numpy as np
import pytest

from pipeline.enrich.annotation import make_annotation
from pipeline.enrich.annotation_files import parse_annotation
from pipeline.enrich.obo import parse_obo
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.terms import (
    DECOYS_OF_PROGRAM,
    DOMAINS,
    SimulatedTerms,
    make_terms,
    program_terms,
    to_gaf,
    to_obo,
)
from pipeline.simulate.universe import Universe, make_universe

SETTINGS = SimulationSettings(n_genes=2000, n_programs=20, seed=3)


@pytest.fixture(scope="module")
def universe() -> Universe:
    return make_universe(SETTINGS)


@pytest.fixture(scope="module")
def terms(universe: Universe) -> SimulatedTerms:
    return make_terms(universe)


def test_the_same_settings_give_the_same_terms(universe: Universe, terms: SimulatedTerms) -> None:
    assert "".join(to_gaf(terms, universe)) == "".join(
        to_gaf(make_terms(make_universe(SETTINGS)), universe)
    )


def test_every_program_is_a_term_that_has_most_of_its_genes(
    universe: Universe, terms: SimulatedTerms
) -> None:
    assert terms.ids[:20] == program_terms(20)
    assert len(terms.ids) == 20 * (1 + DECOYS_OF_PROGRAM) + len(DOMAINS)
    shares, wrong = [], []
    for i in range(20):
        genes = set(universe.programs.loadings[[i]].indices.tolist())
        has = set(terms.members[i].tolist())
        shares.append(len(genes & has) / len(genes))
        wrong.append(len(has - genes) / len(has))
        parent = int(universe.programs.parents[i])
        assert terms.parents[i] == (parent if parent >= 0 else len(terms.ids) - len(DOMAINS))
    assert 0.75 < np.mean(shares) < 0.95
    assert 0.02 < np.mean(wrong) < 0.2


def test_files_are_read_as_those_of_the_gene_ontology(
    universe: Universe, terms: SimulatedTerms
) -> None:
    ontology = parse_obo("".join(to_obo(terms)).splitlines(keepends=True), "terms.obo")
    assert ontology.ids == terms.ids
    assert ontology.domains == DOMAINS
    assert ontology.child.size == len(terms.ids) - len(DOMAINS)
    rows = parse_annotation(to_gaf(terms, universe), "annotation.gaf")
    annotation = make_annotation(rows, ontology)
    assert not annotation.dropped
    assert annotation.term.size == sum(map(len, terms.members))

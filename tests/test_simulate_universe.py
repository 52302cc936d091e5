"""The universe: genes, tissues, programs, settings."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.simulate.programs import INHERITED, MIN_SIZE, Programs, make_programs
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.universe import Universe, make_universe

SETTINGS = SimulationSettings(n_studies=4, n_genes=4000, n_programs=120, seed=3)


@pytest.fixture(scope="module")
def universe() -> Universe:
    return make_universe(SETTINGS)


@pytest.fixture(scope="module")
def programs() -> Programs:
    return make_programs(np.random.default_rng(0), 200, np.ones(20_000))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_studies": 0}, "n_studies must be from 1 to 100000, got 0"),
        ({"n_genes": 10}, "n_genes must be from 100"),
        ({"seed": -1}, "seed must be from 0"),
        ({"seed": 2**32}, "seed must be from 0"),
        ({"n_programs": 0}, "n_programs must be from 1"),
        ({"n_tissues": 0}, "n_tissues must be from 1"),
        ({"effect_size": -0.5}, "effect_size must be from 0"),
        ({"unusable_share": 1.5}, "unusable_share must be from 0 to 1, got 1.5"),
        ({"messy_share": float("nan")}, "messy_share must be from 0 to 1, got nan"),
        ({"batch_share": 0.7, "second_share": 0.7}, "must be at most 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SimulationSettings(**wrong)  # type: ignore[arg-type]


def test_the_universe_depends_on_the_seed_and_not_on_the_number_of_studies(
    universe: Universe,
) -> None:
    same = make_universe(replace(SETTINGS, n_studies=900))
    other = make_universe(replace(SETTINGS, seed=4))
    for name in ("tissue_scores", "dispersion_scores", "signatures"):
        np.testing.assert_array_equal(getattr(universe, name), getattr(same, name))
        assert not np.array_equal(getattr(universe, name), getattr(other, name))
    loadings = universe.programs.loadings.toarray()
    np.testing.assert_array_equal(loadings, same.programs.loadings.toarray())


def test_gene_ids_are_valid_unique_and_plainly_simulated(universe: Universe) -> None:
    genes = universe.genes
    assert all(len(i) == 18 and i.startswith("ENSMUSG9") and i[7:].isdigit() for i in genes.ids)
    assert len(set(genes.ids)) == len(set(genes.symbols)) == len(genes.ids)
    entrez = genes.entrez[genes.entrez != ""]
    assert len(set(entrez)) == len(entrez)
    assert 0.3 < len(entrez) / len(genes.ids) < 0.8


def test_protein_coding_genes_are_the_abundant_ones(universe: Universe) -> None:
    coding = universe.genes.biotypes == "protein_coding"
    assert universe.genes.scores[coding].mean() > universe.genes.scores[~coding].mean() + 0.8


def test_programs_are_nested_overlapping_signed_and_heavy_tailed(programs: Programs) -> None:
    loadings = programs.loadings
    members = [set(loadings[[p]].indices) for p in range(len(programs))]
    sizes = np.array([len(m) for m in members])
    assert sizes.min() >= MIN_SIZE
    assert sizes.max() > 8 * np.median(sizes)
    children = np.flatnonzero(programs.parents >= 0)
    assert len(children) > len(programs) / 2
    for child in children:
        shared = members[child] & members[programs.parents[child]]
        assert len(shared) >= round(sizes[child] * INHERITED)
        assert len(shared) < sizes[programs.parents[child]] or sizes[child] >= len(shared)
    assert np.abs(loadings.data).min() >= 0.2
    up = (loadings.data > 0).mean()
    assert 0.4 < up < 0.6
    np.testing.assert_allclose(programs.popularity.sum(), 1)


def test_programs_can_be_told_apart_by_their_loadings(programs: Programs) -> None:
    assert np.linalg.matrix_rank(programs.loadings.toarray()) == len(programs)


def test_a_perturbation_does_the_same_under_every_name_of_experiment(universe: Universe) -> None:
    assert len(set(universe.perturbations)) == len(universe.perturbations)
    assert universe.signatures.shape == (len(universe.perturbations), SETTINGS.n_programs)
    active = (universe.signatures != 0).sum(axis=1)
    assert active.min() >= 1
    assert active.mean() < 10

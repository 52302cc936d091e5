"""One study: layout, truth, counts, sample table."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from pipeline.simulate.counts import draw_abundance, draw_counts, expected_counts
from pipeline.simulate.effects import draw_nuisance
from pipeline.simulate.layout import (
    NO_REPLICATES,
    ONE_CONDITION,
    ONE_SAMPLE,
    UNUSABLE,
    why_unusable,
)
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.study import (
    SimulatedStudy,
    simulate_study,
    study_effects,
    study_layout,
    study_name,
)
from pipeline.simulate.universe import Universe, make_universe

SETTINGS = SimulationSettings(n_studies=60, n_genes=2000, n_programs=30, seed=1)


@pytest.fixture(scope="module")
def universe() -> Universe:
    return make_universe(SETTINGS)


@pytest.fixture(scope="module")
def studies(universe: Universe) -> list[SimulatedStudy]:
    return [simulate_study(universe, k) for k in range(SETTINGS.n_studies)]


def test_a_study_is_the_same_in_a_collection_of_any_size(studies: list[SimulatedStudy]) -> None:
    larger = make_universe(replace(SETTINGS, n_studies=7130))
    for k in (0, 11, 59):
        again = simulate_study(larger, k)
        np.testing.assert_array_equal(again.counts, studies[k].counts)
        np.testing.assert_array_equal(again.true_logfc, studies[k].true_logfc)
        assert again.samples.equals(studies[k].samples)
        assert again.contrasts == studies[k].contrasts


def test_another_seed_gives_other_studies(studies: list[SimulatedStudy]) -> None:
    other = simulate_study(make_universe(replace(SETTINGS, seed=2)), 0)
    assert not np.array_equal(other.counts, studies[0].counts)


def test_truth_is_activities_times_loadings_and_what_no_program_explains(
    universe: Universe,
) -> None:
    loadings = universe.programs.loadings
    for k in range(20):
        effects = study_effects(universe, study_layout(universe, k), k)
        want = effects.activities @ loadings.toarray() + effects.own
        np.testing.assert_allclose(effects.logfc, want, atol=1e-6)
        member = loadings.toarray() != 0
        untouched = (effects.own == 0) & ~((effects.activities != 0) @ member)
        assert (effects.logfc[untouched] == 0).all()


def test_the_planted_latent_space_has_as_many_dimensions_as_there_are_programs(
    universe: Universe,
) -> None:
    shared = []
    for k in range(SETTINGS.n_studies):
        effects = study_effects(universe, study_layout(universe, k), k)
        shared.append(effects.logfc - effects.own)
    assert np.linalg.matrix_rank(np.concatenate(shared), tol=1e-3) == SETTINGS.n_programs


def test_most_genes_do_not_change_and_changes_go_both_ways(studies: list[SimulatedStudy]) -> None:
    truth = np.concatenate([s.true_logfc for s in studies])
    changed = truth[truth != 0]
    assert 0.01 < changed.size / truth.size < 0.2
    assert 0.35 < (changed > 0).mean() < 0.65
    assert np.abs(changed).max() < 12


def test_without_an_effect_size_nothing_changes() -> None:
    still = make_universe(replace(SETTINGS, effect_size=0.0))
    assert not simulate_study(still, 0).true_logfc.any()


def test_expected_counts_share_out_the_library_and_follow_the_truth() -> None:
    rng = np.random.default_rng(0)
    abundance = rng.gamma(0.5, 1, 300)
    logfc = np.where(rng.random(300) < 0.2, rng.normal(0, 2, 300), 0.0)
    expected = expected_counts(abundance, np.vstack([0 * logfc, logfc]), np.array([1e6, 3e6]))
    np.testing.assert_allclose(expected.sum(axis=1), [1e6, 3e6])
    found = np.log2(expected[1] / expected[0])
    np.testing.assert_allclose(found - found[logfc == 0][0], logfc, atol=1e-9)


def test_counts_have_the_mean_and_the_variance_asked_for() -> None:
    rng = np.random.default_rng(0)
    mean, dispersion = np.array([0.0, 0.5, 20.0, 3000.0]), np.array([0.1, 0.5, 0.2, 0.01])
    counts = draw_counts(rng, np.tile(mean, (40_000, 1)), dispersion)
    assert counts.dtype == np.int32
    np.testing.assert_allclose(counts.mean(axis=0), mean, rtol=0.03)
    np.testing.assert_allclose(counts.var(axis=0), mean + dispersion * mean**2, rtol=0.05)


def test_group_means_of_a_study_follow_the_truth(universe: Universe) -> None:
    found, want = [], []
    for k in range(40):
        study = simulate_study(universe, k)
        if not study.contrasts or study.layout.batch or study.layout.second:
            continue
        cpm = study.counts / study.counts.sum(axis=1, keepdims=True)
        groups = np.array(study.groups)
        for contrast, truth in zip(study.contrasts, study.true_logfc, strict=True):
            test, reference = (
                cpm[groups == g].mean(axis=0) for g in (contrast.test, contrast.reference)
            )
            seen = (test > 2e-5) & (reference > 2e-5)
            logfc = np.log2(test[seen] / reference[seen])
            found.append(logfc - np.median(logfc[truth[seen] == 0]))
            want.append(truth[seen])
    x, y = np.concatenate(want), np.concatenate(found)
    np.testing.assert_allclose((x @ y) / (x @ x), 1, atol=0.05)
    assert np.abs(np.median((y - x)[x != 0])) < 0.02


def test_silent_genes_differ_by_tissue_and_little_between_studies_of_one(
    universe: Universe,
) -> None:
    scores = universe.tissue_scores
    one, other, elsewhere = (
        draw_abundance(np.random.default_rng(seed), scores[tissue])
        for seed, tissue in ((1, 0), (2, 0), (3, 1))
    )
    for abundance in (one, other, elsewhere):
        assert 0.15 < (abundance == 0).mean() < 0.5
    assert spearmanr(one, other).statistic > 0.97 > 0.93 > spearmanr(one, elsewhere).statistic


def test_studies_have_the_shapes_of_real_ones(studies: list[SimulatedStudy]) -> None:
    usable = [s for s in studies if s.contrasts]
    for study in usable:
        levels, n = np.unique(study.groups, return_counts=True)
        assert 2 <= len(levels) == len(study.contrasts) + 1 <= 4
        assert n.min() >= 2
        assert n.max() <= 12
        assert study.counts.shape == (n.sum(), SETTINGS.n_genes)
        assert {c.test for c in study.contrasts} | {study.contrasts[0].reference} == set(levels)
    sizes = np.concatenate([s.counts.sum(axis=1) for s in usable])
    assert 4e6 < sizes.min() < 1.5e7
    assert 3e7 < sizes.max() < 2e8
    assert {s.layout.kind for s in usable} >= {"treatment", "genotype", "time"}
    assert {s.layout.id_style for s in usable} >= {"ensembl", "ensembl_version", "symbol"}
    assert any(s.layout.messy for s in usable)


def test_batches_and_second_variables_are_crossed_with_the_groups(
    universe: Universe, studies: list[SimulatedStudy]
) -> None:
    crossed = [s.layout for s in studies if s.layout.batch or s.layout.second]
    assert crossed
    for layout in crossed:
        covariate = layout.batch or layout.second
        assert covariate is not None
        for group in np.unique(layout.groups):
            assert set(covariate.codes[layout.groups == group]) == {0, 1}
        shift = draw_nuisance(np.random.default_rng(0), universe, layout)
        assert not shift[covariate.codes == 0].any()
        assert shift[covariate.codes == 1].any()


def test_the_sample_table_names_every_sample_once_and_holds_the_factor(
    studies: list[SimulatedStudy],
) -> None:
    for study in studies:
        samples = study.samples
        assert samples.index.is_unique
        assert samples.columns.is_unique
        assert samples.index.name == "sample"
        assert list(samples[study.layout.factor]) == list(study.groups)
        text = [*samples.index, *samples.columns, *samples.to_numpy().ravel()]
        assert all(cell and not set(cell) & set("\t\n\r\"'") for cell in text)


def test_any_24_studies_in_a_row_hold_an_unusable_one_whatever_the_seed() -> None:
    for seed in (0, 1, 50, 96, 1000):
        settings = SimulationSettings(seed=seed)
        why = [why_unusable(settings, k) for k in range(500)]
        assert all(any(why[i : i + 24]) for i in range(len(why) - 24))
        assert set(why) == {"", *UNUSABLE}
        assert sum(map(bool, why)) < 40


def test_unusable_studies_come_only_when_asked_for() -> None:
    assert not any(why_unusable(SimulationSettings(unusable_share=0), k) for k in range(500))


def test_an_unusable_study_offers_nothing_to_compare() -> None:
    universe = make_universe(replace(SETTINGS, unusable_share=1.0))
    seen = set()
    for k in range(30):
        study = simulate_study(universe, k)
        reason = study.layout.unusable
        seen.add(reason)
        assert study.contrasts == ()
        assert study.true_logfc.shape == (0, SETTINGS.n_genes)
        n = len(study.groups)
        _, sizes = np.unique(study.groups, return_counts=True)
        expected = {
            ONE_SAMPLE: n == 1,
            ONE_CONDITION: n > 1 and len(sizes) == 1,
            NO_REPLICATES: len(sizes) > 1 and sizes.max() == 1,
        }
        assert expected[reason]
        # Nor by another column: whatever it holds is constant or different in every sample.
        assert all(study.samples[c].nunique() in (1, n) for c in study.samples)
    assert seen == set(UNUSABLE)


def test_names_of_studies_sort_in_their_order() -> None:
    assert study_name(0) == "SIM00000"
    assert study_name(7129) == "SIM07129"

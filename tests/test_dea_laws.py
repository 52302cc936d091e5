"""Laws that the statistics of one study keep for all inputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.dea.arrays import Floats
from pipeline.dea.design import Contrast, make_design
from pipeline.dea.moderated import STATISTICS
from pipeline.dea.result import StudyResult
from pipeline.dea.settings import DeaSettings, Method
from pipeline.dea.study import analyse_study
from tests.golden.dea.simulated import simulate_counts

SEEDS = st.integers(0, 2**32 - 1)
METHODS = st.sampled_from(["voom", "trend"])
GROUPS = ["A", "A", "A", "B", "B", "B", "C", "C"]
BATCH = ["1", "2", "2", "1", "1", "2", "2", "1"]
B_A = Contrast(test="B", reference="A")
A_B = Contrast(test="A", reference="B")
FEW = hypothesis_settings(max_examples=12, deadline=None, derandomize=True)


def study_of(seed: int, groups: list[str] = GROUPS, n_genes: int = 600) -> Floats:
    counts, _ = simulate_counts(seed, groups, n_genes=n_genes, planted=0.1)
    return counts


def assert_same(a: StudyResult, b: StudyResult, genes: object = slice(None)) -> None:
    """Equal but for the order of sums; `genes` of the first are the genes of the second."""
    for name in ("logfc", "tested", *STATISTICS):
        ours = np.asarray(getattr(a, name)[:, genes], dtype=np.float64)
        theirs = np.asarray(getattr(b, name), dtype=np.float64)
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-8, err_msg=name)


@FEW
@given(seed=SEEDS, method=METHODS)
def test_the_order_of_samples_changes_nothing(seed: int, method: Method) -> None:
    counts = study_of(seed)
    order = np.random.default_rng(seed).permutation(len(GROUPS))
    settings = DeaSettings(method=method)
    a = analyse_study(counts, make_design(GROUPS, {"batch": BATCH}), [B_A], settings)
    shuffled = make_design([GROUPS[i] for i in order], {"batch": [BATCH[i] for i in order]})
    b = analyse_study(counts[order], shuffled, [B_A], settings)
    assert_same(a, b)
    np.testing.assert_allclose(a.norm_factors[order], b.norm_factors, rtol=1e-12)


@FEW
@given(seed=SEEDS, method=METHODS, robust=st.booleans())
def test_the_order_of_genes_changes_nothing(seed: int, method: Method, robust: bool) -> None:
    counts = study_of(seed)
    order = np.random.default_rng(seed).permutation(counts.shape[1])
    design, settings = make_design(GROUPS), DeaSettings(method=method, robust=robust)
    a = analyse_study(counts, design, [B_A], settings)
    b = analyse_study(counts[:, order], design, [B_A], settings)
    assert_same(a, b, order)


@FEW
@given(seed=SEEDS, method=METHODS)
def test_swapping_the_sides_of_a_contrast_changes_signs_only(seed: int, method: Method) -> None:
    counts, design = study_of(seed), make_design(GROUPS, {"batch": BATCH})
    r = analyse_study(counts, design, [B_A, A_B], DeaSettings(method=method))
    np.testing.assert_array_equal(r.logfc[0], -r.logfc[1])
    np.testing.assert_array_equal(r.t[0], -r.t[1])
    for name in ("se", "p_value", "neg_log10_p", "adj_p_value", "lods"):
        np.testing.assert_array_equal(getattr(r, name)[0], getattr(r, name)[1])


@FEW
@given(seed=SEEDS, method=METHODS)
def test_relevelling_a_covariate_changes_nothing_under_exact(seed: int, method: Method) -> None:
    counts = study_of(seed)
    renamed = [{"1": "9", "2": "2"}[b] for b in BATCH]
    settings = DeaSettings(method=method, deviations="exact")
    a = analyse_study(counts, make_design(GROUPS, {"batch": BATCH}), [B_A], settings)
    b = analyse_study(counts, make_design(GROUPS, {"batch": renamed}), [B_A], settings)
    assert_same(a, b)


def test_relevelling_a_covariate_does_move_parity_under_voom() -> None:
    groups = [*GROUPS, "C", "A"]
    batch = ["1", "2", "2", "1", "1", "3", "3", "1", "2", "3"]
    counts = study_of(1, groups)
    renamed = [{"1": "9", "2": "2", "3": "3"}[b] for b in batch]
    settings = DeaSettings(deviations="parity")
    a = analyse_study(counts, make_design(groups, {"batch": batch}), [B_A], settings)
    b = analyse_study(counts, make_design(groups, {"batch": renamed}), [B_A], settings)
    assert np.nanmax(np.abs(a.se / b.se - 1)) > 1e-3


@FEW
@given(seed=SEEDS, method=METHODS, factor=st.integers(2, 20))
def test_scaling_all_libraries_hardly_moves_well_counted_genes(
    seed: int, method: Method, factor: int
) -> None:
    counts, design = study_of(seed), make_design(GROUPS)
    # Deeper libraries pass more genes, and with them the factors move: the law is of one gene set.
    settings = DeaSettings(method=method, filter="none")
    a = analyse_study(counts, design, [B_A], settings)
    b = analyse_study(counts * factor, design, [B_A], settings)
    np.testing.assert_allclose(a.norm_factors, b.norm_factors, rtol=1e-12)
    groups = np.array(GROUPS)
    least = np.minimum(counts[groups == "A"].mean(axis=0), counts[groups == "B"].mean(axis=0))
    well = (least > 100) & a.tested[0] & b.tested[0]
    assert well.sum() > 50
    # The prior count decides: half a count under voom, two under trend.
    bar = 0.01 if method == "voom" else 0.04
    assert np.max(np.abs(a.logfc[0, well] - b.logfc[0, well])) < bar


@FEW
@given(seed=SEEDS, method=METHODS, tested=st.sampled_from(["contrast", "study"]))
def test_nan_says_exactly_what_is_not_known(seed: int, method: Method, tested: str) -> None:
    counts, design = study_of(seed), make_design(GROUPS)
    counts[:, :40] = 0
    settings = DeaSettings(method=method, tested="study" if tested == "study" else "contrast")
    r = analyse_study(counts, design, [B_A, Contrast(test="C", reference="B")], settings)
    assert not r.measured[:40].any()
    np.testing.assert_array_equal(np.isfinite(r.logfc), np.broadcast_to(r.measured, r.logfc.shape))
    for name in STATISTICS:
        np.testing.assert_array_equal(np.isfinite(getattr(r, name)), r.tested)
    for name in ("ave_expr", "sigma"):
        np.testing.assert_array_equal(np.isfinite(getattr(r, name)), r.filtered)
    assert not (r.tested & ~r.filtered).any()
    assert r.n_tested == r.filtered.sum()


@FEW
@given(seed=SEEDS)
def test_adjusted_p_values_never_are_under_the_plain_ones_and_keep_their_order(seed: int) -> None:
    r = analyse_study(study_of(seed), make_design(GROUPS), [B_A])
    used = r.tested[0]
    p, adjusted = r.p_value[0, used], r.adj_p_value[0, used]
    assert (adjusted >= p * (1 - 1e-12)).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


@pytest.mark.parametrize("method", ["voom", "trend"])
def test_the_same_study_twice_gives_the_same_bytes(method: Method) -> None:
    counts, design = study_of(5), make_design(GROUPS, {"batch": BATCH})
    settings = DeaSettings(method=method, robust=True, sample_weights=True)
    a, b = (analyse_study(counts, design, [B_A], settings) for _ in range(2))
    for name in ("logfc", *STATISTICS):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes()

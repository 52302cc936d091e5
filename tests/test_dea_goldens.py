"""The statistics against numbers that limma and edgeR gave (tests/golden/dea/make_goldens.R)."""

import numpy as np
import pytest

from pipeline.dea.design import Contrast
from pipeline.dea.f_test import f_test
from pipeline.dea.lods import PROPORTION
from pipeline.dea.settings import ENGINE_VERSION, DeaSettings
from pipeline.dea.study import analyse_study
from pipeline.dea.tails import neg_log10_two_sided_p
from pipeline.dea.treat import treat
from tests.golden.dea.bars import check, compare, error
from tests.golden.dea.engine import engine_numbers, read_engine_golden
from tests.golden.dea.oracle import case_names, read_golden, read_study, settings_of

STEP = 6
EXTRA = [name for name in case_names() if name.split("-")[-1] in ("treat", "exact")]


@pytest.mark.parametrize("name", case_names())
def test_every_statistic_is_within_its_bar_of_limma(name: str) -> None:
    study, golden = read_study(name[:3]), read_golden(name)
    settings = settings_of(golden)
    if golden.keys["exact"] == "1":
        settings = DeaSettings(method=settings.method, tested="study", deviations="parity")
    result = analyse_study(study.counts, study.design, study.contrasts, settings)
    loose = settings.robust or settings.sample_weights or study.design.block_role == "random"
    check(compare(result, golden.arrays, step=STEP), loose=loose)


@pytest.mark.parametrize("name", ["d05-voom-exact", "d15-voom-exact"])
def test_exact_deviations_are_those_of_a_refit_with_the_contrast_as_a_coefficient(
    name: str,
) -> None:
    study, golden = read_study(name[:3]), read_golden(name)
    settings = DeaSettings(tested="study", deviations="exact")
    result = analyse_study(study.counts, study.design, study.contrasts, settings)
    some = np.flatnonzero(result.filtered)[::STEP]
    shape = (len(study.contrasts), -1)
    assert error("se", result.se[:, some], golden.arrays["exact_se"].reshape(shape)) < 1e-8
    assert error("t", result.t[:, some], golden.arrays["exact_t"].reshape(shape)) < 1e-7


def test_treat_is_limmas() -> None:
    study, golden = read_study("d04"), read_golden("d04-voom-treat")
    settings = settings_of(golden)
    result = analyse_study(study.counts, study.design, study.contrasts, settings)
    some = np.flatnonzero(result.filtered)[::STEP]
    t, p_value = treat(
        result.logfc[:, some],
        result.se[:, some],
        result.df_total[:, None],
        least_logfc=float(golden.keys["lfc"]),
    )
    shape = (len(study.contrasts), -1)
    assert error("t", t, golden.arrays["treat_t"].reshape(shape)) < 1e-7
    assert error("p_value", p_value, golden.arrays["treat_p_value"].reshape(shape)) < 1e-7


@pytest.mark.parametrize("name", ["d04-voom", "d05-voom", "d15-trend", "d14-voom"])
def test_the_f_test_over_all_contrasts_is_limmas(name: str) -> None:
    study, golden = read_study(name[:3]), read_golden(name)
    result = analyse_study(study.counts, study.design, study.contrasts, settings_of(golden))
    some = np.flatnonzero(result.filtered)[::STEP]
    df = result.df_residual + result.df_prior
    f, p_value = f_test(result.t[:, some], result.contrast_covariance, df)
    np.testing.assert_allclose(f, golden.arrays["f"], rtol=1e-7)
    np.testing.assert_allclose(p_value, golden.arrays["f_p_value"], rtol=1e-7)


def test_the_log_p_value_is_right_from_the_centre_to_the_farthest_tail() -> None:
    golden = read_golden("tails").arrays
    ours = neg_log10_two_sided_p(golden["t"], golden["df"])
    theirs = golden["log_p"] / -np.log(10)
    assert theirs.max() > 2_000_000_000
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-15)


def test_without_replication_there_are_fold_changes_and_nothing_else() -> None:
    study, golden = read_study("d03"), read_golden("d03-voom")
    result = analyse_study(study.counts, study.design, study.contrasts, settings_of(golden))
    assert result.status == "no_replication"
    assert not result.tested.any()
    assert np.isnan(result.t).all()
    assert np.isnan(result.p_value).all()
    assert np.isnan(result.sigma).all()
    assert np.isfinite(result.logfc[:, result.measured]).all()


def test_an_infinite_prior_is_covered_by_a_golden() -> None:
    assert np.isinf(read_golden("d14-voom").arrays["df_prior"]).all()
    assert PROPORTION == 0.01


def test_a_number_that_changes_needs_a_new_engine_version() -> None:
    version, before = read_engine_golden()
    assert version == ENGINE_VERSION, "run `python -m tests.golden.dea.engine` and commit the file"
    for name, values in engine_numbers().items():
        np.testing.assert_allclose(
            values,
            before[name],
            rtol=1e-7,
            atol=1e-9,
            err_msg=f"{name} changed: bump ENGINE_VERSION, then run "
            "`python -m tests.golden.dea.engine`",
        )


def test_a_contrast_confounded_with_a_batch_is_flagged_and_has_no_number() -> None:
    study = read_study("d12")
    contrasts = (Contrast(test="B", reference="A"), Contrast(test="C", reference="A"))
    result = analyse_study(study.counts, study.design, contrasts)
    assert study.design.not_estimable == ("batch[3]",)
    assert result.contrast_flags == ((), ("confounded",))
    assert "rank_deficient" in result.flags
    assert result.tested[0].any()
    assert not result.tested[1].any()
    assert np.isnan(result.logfc[1]).all()
    assert np.isfinite(result.logfc[0, result.measured]).all()

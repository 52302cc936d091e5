"""The analysis of one study: one model for all genes, and all contrasts from it."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.dea.arrays import Bools, Floats, Ints
from pipeline.dea.design import Contrast, Design
from pipeline.dea.errors import NotAnalysableError
from pipeline.dea.expressed import at_least_cpm, is_expressed, is_tested
from pipeline.dea.linear import LinearModel
from pipeline.dea.logcpm import log_cpm
from pipeline.dea.model import StudyFit, fit_study
from pipeline.dea.moderated import STATISTICS, Table, fill_table
from pipeline.dea.result import (
    CONFOUNDED,
    INCOMPLETE_BLOCKS,
    LOW_DF,
    MIN_DF,
    RANK_DEFICIENT,
    SINGLE_SAMPLE_GROUP,
    StudyResult,
)
from pipeline.dea.settings import DeaSettings
from pipeline.dea.tmm import norm_factors
from pipeline.dea.variance_prior import VariancePrior, fit_variance_prior


def zero_libraries(counts: Floats) -> Ints:
    """Indices of samples without a count: leave them out before the design is made."""
    return np.flatnonzero(~(counts > 0).any(axis=1))


def analyse_study(
    counts: Floats,
    design: Design,
    contrasts: Sequence[Contrast],
    settings: DeaSettings | None = None,
) -> StudyResult:
    """Analyse one study.

    Parameters
    ----------
    counts
        (sample, gene) counts, summed over technical runs; fractions are allowed.
    design
        Its rows are the samples.
    contrasts
        At least one.
    settings
        The compendium's by default.

    Raises
    ------
    ValueError
        Counts are negative, not finite or not of the design's samples; a contrast names no group.
    NotAnalysableError
        A sample has no count, or no gene passes the expression filter.
    """
    settings = settings or DeaSettings()
    counts = np.ascontiguousarray(counts, dtype=np.float64)
    _check(counts, design, contrasts)
    vectors = np.array([design.vector(c) for c in contrasts])
    measured = np.asarray(counts.any(axis=0))
    filtered = (
        is_expressed(counts, design.matrix)
        if settings.filter == "expressed"
        else np.ones_like(measured)
    )
    genes = np.flatnonzero(filtered)
    kept = counts if genes.size == counts.shape[1] else counts[:, genes]
    sizes = kept.sum(axis=1)
    _check_sizes(sizes, genes)
    factors = norm_factors(kept, sizes)
    estimable = np.array([design.is_estimable(c) for c in contrasts])
    model = LinearModel(design.matrix[:, design.kept], vectors[:, design.kept])
    fit = fit_study(kept, sizes * factors, model, design, settings)

    in_contrast = _in_contrast(kept, sizes, design, contrasts, settings) & estimable[:, None]
    logfc = np.full((len(contrasts), measured.size), np.nan)
    logfc[:, genes] = np.where(in_contrast, fit.logfc, np.nan)
    _describe_untested(logfc, counts, sizes * factors, model, fit, measured, estimable)
    if not measured[genes].all():
        logfc[:, ~measured] = np.nan

    replicated = model.df_residual > 0
    table = Table.empty(len(contrasts), measured.size)
    prior = VariancePrior(np.array(np.nan), np.array(np.nan))
    if replicated:
        covariate = fit.ave_expr if settings.method == "trend" else None
        prior = _fit_prior(settings)(fit.sigma2, model.df_residual, covariate)
        fill_table(table, fit, prior, model.df_residual, in_contrast, genes)
        if not measured[genes].all():
            table.clear(~measured)
    return StudyResult(
        contrasts=tuple(contrasts),
        logfc=logfc,
        tested=table.tested,
        **{name: table.values[name] for name in STATISTICS},
        ave_expr=_scatter(fit.ave_expr, genes, measured),
        sigma=_scatter(np.sqrt(fit.sigma2), genes, measured),
        measured=measured,
        filtered=filtered,
        s2_prior=_on_axis(prior.s2_prior, genes, measured),
        df_prior=_on_axis(prior.df_prior, genes, measured),
        df_total=table.df_total,
        contrast_covariance=model.contrasts @ fit.covariance @ model.contrasts.T,
        df_residual=float(model.df_residual),
        n_tested=int(genes.size),
        status="analysed" if replicated else "no_replication",
        norm_factors=factors,
        library_sizes=sizes,
        sample_weights=fit.sample_weights,
        curve=fit.curve,
        trend_x=fit.trend_x,
        trend_y=fit.trend_y,
        correlation=fit.correlation,
        contrast_flags=tuple(_contrast_flags(design, c) for c in contrasts),
        flags=_study_flags(design),
    )


def _fit_prior(settings: DeaSettings) -> Callable[[Floats, float, Floats | None], VariancePrior]:
    if settings.robust:
        # scipy.stats takes half a second to import, in each worker, and this alone needs it.
        from pipeline.dea.robust_prior import fit_robust_variance_prior

        return fit_robust_variance_prior
    return fit_variance_prior


def _in_contrast(
    counts: Floats,
    sizes: Floats,
    design: Design,
    contrasts: Sequence[Contrast],
    settings: DeaSettings,
) -> Bools:
    """(contrast, gene) which filtered genes a contrast may test."""
    if settings.tested == "study":
        return np.ones((len(contrasts), counts.shape[1]), dtype=bool)
    reached = at_least_cpm(counts, sizes)
    return np.array([is_tested(reached, *design.members(c)) for c in contrasts])


def _describe_untested(
    logfc: Floats,
    counts: Floats,
    effective_sizes: Floats,
    model: LinearModel,
    fit: StudyFit,
    measured: Bools,
    estimable: Bools,
) -> None:
    """Put differences of log CPM, whose prior count follows the depth, where `logfc` is NaN.

    Contrasts that are not `estimable` (contrast,) and genes not `measured` (gene,) stay NaN.
    """
    rows = np.flatnonzero(estimable)
    genes = np.flatnonzero(measured & np.isnan(logfc[rows]).any(axis=0))
    if genes.size == 0:
        return
    root = np.sqrt(fit.sample_weights)
    to_coef = np.linalg.pinv(model.matrix * root[:, None]) * root
    described = (model.contrasts[rows] @ to_coef) @ log_cpm(counts[:, genes], effective_sizes)
    place = np.ix_(rows, genes)
    logfc[place] = np.where(np.isnan(logfc[place]), described, logfc[place])


def _check(counts: Floats, design: Design, contrasts: Sequence[Contrast]) -> None:
    if counts.ndim != 2 or counts.shape[0] != design.n_samples:
        raise ValueError(
            f"counts must be (sample, gene) of {design.n_samples} samples, got shape {counts.shape}"
        )
    if not contrasts:
        raise ValueError("no contrast was given")
    if not (counts.size and np.isfinite(counts.sum()) and counts.min() >= 0):
        raise ValueError("counts must be finite and not negative, and there must be some")
    empty = zero_libraries(counts)
    if empty.size:
        raise NotAnalysableError(
            "zero_library",
            f"sample {empty[0]} has no counts: leave it out before the design is made",
            int(empty[0]),
        )


def _check_sizes(sizes: Floats, genes: Ints) -> None:
    if genes.size == 0:
        raise NotAnalysableError("nothing_expressed", "no gene passes the expression filter")
    empty = np.flatnonzero(sizes == 0)
    if empty.size:
        raise NotAnalysableError(
            "zero_library",
            f"sample {empty[0]} has no counts of expressed genes: leave it out of the study",
            int(empty[0]),
        )


def _contrast_flags(design: Design, contrast: Contrast) -> tuple[str, ...]:
    flags = []
    if not design.is_estimable(contrast):
        flags.append(CONFOUNDED)
    if min(design.group_sizes(contrast)) == 1:
        flags.append(SINGLE_SAMPLE_GROUP)
    return tuple(flags)


def _study_flags(design: Design) -> tuple[str, ...]:
    flags = []
    if 0 < design.df_residual < MIN_DF:
        flags.append(LOW_DF)
    if design.not_estimable:
        flags.append(RANK_DEFICIENT)
    if design.block_role == "random":
        flags.append(INCOMPLETE_BLOCKS)
    return tuple(flags)


def _scatter(values: Floats, genes: Ints, measured: Bools) -> Floats:
    result = np.full(measured.size, np.nan)
    result[genes] = values
    result[~measured] = np.nan
    return result


def _on_axis(values: Floats, genes: Ints, measured: Bools) -> Floats:
    return values if values.ndim == 0 else _scatter(values, genes, measured)

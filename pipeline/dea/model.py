"""The study's one model: voom or trend, with what was asked of weights and blocks."""

from dataclasses import dataclass

import numpy as np

from pipeline.dea.arrays import Floats
from pipeline.dea.blocks import MIN_DF_RESIDUAL, consensus_correlation, correlation_whitener
from pipeline.dea.design import Design
from pipeline.dea.linear import LinearModel, gene_blocks
from pipeline.dea.logcpm import log_cpm
from pipeline.dea.lowess import Curve
from pipeline.dea.quality import genewise_quality_weights, shared_quality_weights
from pipeline.dea.settings import DeaSettings, Deviations
from pipeline.dea.voom import Voom, fit_voom, span_of


@dataclass(frozen=True, slots=True)
class StudyFit:
    """Fitted contrasts (contrast, gene) of the filtered genes, and where they come from.

    `covariance` (coef, coef) is that of the coefficients without the genes' own weights;
    `correlation` is NaN without random blocks.
    """

    logfc: Floats
    stdev_unscaled: Floats
    sigma2: Floats
    ave_expr: Floats
    covariance: Floats
    sample_weights: Floats
    correlation: float
    curve: Curve | None = None
    trend_x: Floats | None = None
    trend_y: Floats | None = None


def fit_study(
    counts: Floats,
    effective_sizes: Floats,
    model: LinearModel,
    design: Design,
    settings: DeaSettings,
) -> StudyFit:
    """Fit the filtered `counts` (sample, gene) as the settings ask."""
    if settings.method == "trend":
        return _fit_trend(log_cpm(counts, effective_sizes), model, design, settings)
    span = span_of(settings.span, counts.shape[1])

    def voom_again(weights: Floats, correlation: float) -> Voom:
        whitener = _whitener(design, weights, correlation)
        return fit_voom(counts, effective_sizes, model.whitened_by(whitener), span=span)

    weights, correlation = np.ones(counts.shape[0]), np.nan
    voom = fit_voom(counts, effective_sizes, model, span=span)
    if settings.sample_weights and model.df_residual > 0:
        # Curve and weights depend on each other: two rounds, as in Liu 2015.
        weights = genewise_quality_weights(voom.z, _all_weights(voom, model), model.matrix)
        voom = voom_again(weights, correlation)
        weights = genewise_quality_weights(voom.z, _all_weights(voom, model), model.matrix)
    if _has_random_blocks(design, model):
        correlation = _correlation(voom, model, design, weights)
        voom = voom_again(weights, correlation)
        correlation = _correlation(voom, model, design, weights)
    final = model.whitened_by(_whitener(design, np.ones_like(weights), correlation))
    return _weighted_fit(voom, final, weights, correlation, settings.deviations)


def _fit_trend(z: Floats, model: LinearModel, design: Design, settings: DeaSettings) -> StudyFit:
    weights, correlation = np.ones(z.shape[0]), np.nan
    if settings.sample_weights and model.df_residual > 0:
        weights = shared_quality_weights(z, model.matrix)
    if _has_random_blocks(design, model):
        own = np.broadcast_to(weights[:, None], z.shape)
        correlation = consensus_correlation(z, model.matrix, design.block, own)
    final = model.whitened_by(_whitener(design, weights, correlation))
    fit = final.ordinary_fit(z)
    return StudyFit(
        fit.logfc,
        fit.stdev_unscaled,
        fit.sigma2,
        z.mean(axis=0),
        final.covariance,
        weights,
        correlation,
    )


def _weighted_fit(
    voom: Voom,
    model: LinearModel,
    sample_weights: Floats,
    correlation: float,
    deviations: Deviations,
) -> StudyFit:
    n_samples, n_genes = voom.z.shape
    shape = (model.contrasts.shape[0], n_genes)
    logfc, unscaled, sigma2 = np.empty(shape), np.empty(shape), np.empty(n_genes)
    for genes in gene_blocks(n_samples, n_genes):
        weights = voom.weights(model.matrix, genes)
        weights *= sample_weights[:, None]
        fit = model.weighted_fit(voom.z[:, genes], weights, deviations)
        logfc[:, genes], unscaled[:, genes] = fit.logfc, fit.stdev_unscaled
        sigma2[genes] = fit.sigma2
    return StudyFit(
        logfc,
        unscaled,
        sigma2,
        voom.ave_expr,
        model.covariance,
        sample_weights,
        correlation,
        voom.curve,
        voom.trend_x,
        voom.trend_y,
    )


def _has_random_blocks(design: Design, model: LinearModel) -> bool:
    return design.block_role == "random" and model.df_residual >= MIN_DF_RESIDUAL


def _whitener(design: Design, weights: Floats, correlation: float) -> Floats | None:
    """(sample, sample) whitener of samples with weights and a correlation within blocks, if any."""
    root = np.sqrt(weights)
    if not np.isnan(correlation):
        return correlation_whitener(design.block, correlation) * root
    return None if np.all(weights == 1) else np.diag(root)


def _correlation(voom: Voom, model: LinearModel, design: Design, weights: Floats) -> float:
    own = _all_weights(voom, model) * weights[:, None]
    return consensus_correlation(voom.z, model.matrix, design.block, own)


def _all_weights(voom: Voom, model: LinearModel) -> Floats:
    return voom.weights(model.matrix, slice(0, voom.z.shape[1]))

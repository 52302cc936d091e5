"""What the analysis of one study returns."""

from dataclasses import dataclass
from typing import Literal

from pipeline.dea.arrays import Bools, Floats
from pipeline.dea.design import Contrast
from pipeline.dea.lowess import Curve

Status = Literal["analysed", "no_replication"]

# Cautions of a contrast and of a study; they are joined by commas where stored.
CONFOUNDED = "confounded"
SINGLE_SAMPLE_GROUP = "single_sample_group"
LOW_DF = "low_residual_df"
RANK_DEFICIENT = "rank_deficient"
INCOMPLETE_BLOCKS = "incomplete_blocks"

MIN_DF = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyResult:
    """All statistics of one study, on the gene axis of its counts; NaN where there is none.

    Parameters
    ----------
    contrasts
        In the order of the (contrast, …) arrays.
    logfc
        (contrast, gene) log2 fold changes; of the model where the gene is tested, else of log CPM
        with a prior count scaled to depth; NaN where the gene has no count, or the contrast is
        confounded.
    se, t, p_value, neg_log10_p, adj_p_value, neg_log10_adj_p, lods
        (contrast, gene); NaN where not `tested`.
    tested
        (contrast, gene).
    ave_expr, sigma
        (gene,) mean log2 CPM and residual standard deviation; NaN where not `filtered`.
    measured, filtered
        (gene,) has a count; is in the model.
    s2_prior, df_prior
        Prior variance and its degrees of freedom, scalar or (gene,); NaN without replication.
    df_total
        (contrast,) degrees of freedom of t, the greatest of its genes; NaN where nothing is tested.
    contrast_covariance
        (contrast, contrast) without the genes' own weights: what `f_test` needs.
    n_tested
        Genes that passed the expression filter.
    norm_factors, library_sizes, sample_weights
        (sample,) TMM factors, counts of the filtered genes, quality weights (1 without).
    curve, trend_x, trend_y
        voom's curve and the points it was fitted to; None without voom or without replication.
    correlation
        Consensus correlation within blocks; NaN without random blocks.
    contrast_flags, flags
        Cautions for each contrast and for the study.
    """

    contrasts: tuple[Contrast, ...]
    logfc: Floats
    se: Floats
    t: Floats
    p_value: Floats
    neg_log10_p: Floats
    adj_p_value: Floats
    neg_log10_adj_p: Floats
    lods: Floats
    tested: Bools
    ave_expr: Floats
    sigma: Floats
    measured: Bools
    filtered: Bools
    s2_prior: Floats
    df_prior: Floats
    df_total: Floats
    contrast_covariance: Floats
    df_residual: float
    n_tested: int
    status: Status
    norm_factors: Floats
    library_sizes: Floats
    sample_weights: Floats
    curve: Curve | None
    trend_x: Floats | None
    trend_y: Floats | None
    correlation: float
    contrast_flags: tuple[tuple[str, ...], ...]
    flags: tuple[str, ...]

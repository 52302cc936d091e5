"""The moderated t, and what follows from it: p values, adjusted p values, log odds (Smyth 2004)."""

from dataclasses import dataclass

import numpy as np

from pipeline.dea.adjust import neg_log10_adjusted
from pipeline.dea.arrays import Bools, Floats, Ints
from pipeline.dea.lods import log_odds
from pipeline.dea.model import StudyFit
from pipeline.dea.tail_table import WORTHWHILE, make_tail_table, p_values
from pipeline.dea.tails import LOG_10
from pipeline.dea.variance_prior import VariancePrior

STATISTICS = ("se", "t", "p_value", "neg_log10_p", "adj_p_value", "neg_log10_adj_p", "lods")


@dataclass(frozen=True, slots=True)
class Table:
    """The (contrast, gene) statistics while they are filled in; NaN where not `tested`.

    `df_total` (contrast,) is the greatest of the tested genes.
    """

    values: dict[str, Floats]
    tested: Bools
    df_total: Floats

    @classmethod
    def empty(cls, n_contrasts: int, n_genes: int) -> "Table":
        """A table without a tested gene."""
        shape = (n_contrasts, n_genes)
        values = {name: np.full(shape, np.nan) for name in STATISTICS}
        return cls(values, np.zeros(shape, dtype=bool), np.full(n_contrasts, np.nan))

    def clear(self, genes: Bools) -> None:
        """Take `genes` (gene,) out of every contrast."""
        for values in self.values.values():
            values[:, genes] = np.nan
        self.tested[:, genes] = False


def fill_table(
    table: Table,
    fit: StudyFit,
    prior: VariancePrior,
    df: float,
    in_contrast: Bools,
    genes: Ints,
) -> None:
    """Fill in the statistics of every contrast.

    Parameters
    ----------
    fit, prior, df
        The model of the filtered genes, and its residual degrees of freedom.
    in_contrast
        (contrast, filtered gene) which genes each contrast tests: its p values are adjusted over them.
    genes
        (filtered gene,) places on the gene axis of `table`.
    """
    stdev = np.sqrt(prior.posterior(fit.sigma2, df))
    df_total = prior.df_total(df, fit.sigma2.size)
    s2_prior_median = float(np.median(prior.s2_prior))
    one_df = df_total.ndim == 0 and np.count_nonzero(in_contrast) >= WORTHWHILE
    tail_table = make_tail_table(float(df_total)) if one_df else None
    for k, in_this in enumerate(in_contrast):
        if not in_this.any():
            continue
        used = slice(None) if in_this.all() else in_this
        unscaled = fit.stdev_unscaled[k, used]
        dof = df_total if df_total.ndim == 0 else df_total[used]
        df_prior = prior.df_prior if prior.df_prior.ndim == 0 else prior.df_prior[used]
        se = unscaled * stdev[used]
        t = fit.logfc[k, used] / se
        p, log_p = p_values(t, dof, tail_table)
        log_adjusted = neg_log10_adjusted(log_p)
        lods = log_odds(t, unscaled, dof, df_prior, s2_prior_median=s2_prior_median)
        at = genes[used]
        table.tested[k, at] = True
        table.df_total[k] = np.max(dof)
        columns = (se, t, p, log_p, np.exp(-LOG_10 * log_adjusted), log_adjusted, lods)
        for name, value in zip(STATISTICS, columns, strict=True):
            table.values[name][k, at] = value

"""Scores of several models side by side, by gene and by contrast."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from model.evaluation.scores import Scores


def gene_table(genes: Sequence[str], scores: Mapping[str, Scores]) -> pd.DataFrame:
    """A row for each gene: `n_observed` contrasts, and MSE and R² of each model; NaN where none is observed.

    Contrasts have their weights in MSE and R², not in `n_observed`. R² is against the gene's training
    mean; it is NaN too where no observed contrast differs from that.
    """
    first = next(iter(scores.values()))
    columns = {"gene": np.asarray(genes, object), "n_observed": first.n_of_gene.astype(np.int64)}
    for model, found in scores.items():
        columns |= {f"mse_{column_name(model)}": found.mse_of_gene}
        columns |= {f"r2_{column_name(model)}": found.r2_of_gene}
    return pd.DataFrame(columns)


def contrast_table(
    contrasts: Sequence[str], studies: Sequence[str], scores: Mapping[str, Scores]
) -> pd.DataFrame:
    """A row for each contrast: its study, `n_observed` genes, and MSE and R² of each model."""
    first = next(iter(scores.values()))
    columns = {
        "contrast": np.asarray(contrasts, object),
        "study": np.asarray(studies, object),
        "n_observed": first.count_of_row.astype(np.int64),
    }
    for model, found in scores.items():
        columns |= {f"mse_{column_name(model)}": found.mse_of_row}
        columns |= {f"r2_{column_name(model)}": found.r2_of_row}
    return pd.DataFrame(columns)


def column_name(model: str) -> str:
    """A model's name as part of a column's: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")

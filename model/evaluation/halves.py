"""What a reconstruction is worth on data that do not share its noise, and the most it could be worth.

Let A = S + e and B = S + f be two measurements of the same changes, in units of the genes' scale and less the
training mean. **Assumption**: each of e and f has mean 0, whatever S and the other are (halves that share no
noise). Then the sums over entries, with the weights w of their rows, have the expectations

    Σ w·A·B = Σ w·S²,    Σ w·B² = Σ w·S² + Σ w·f²

so Σ w·A·B / Σ w·B² estimates the share of B's energy that is signal. The truth itself, as a prediction of B,
leaves Σ w·(B − S)² = Σ w·f², and its R² is that share: the **ceiling**. No prediction made without B
exceeds it in expectation, for (B − P)² has the expectation f² + (S − P)². Here A and B take turns, and the
sums of both ways are added: the ceiling is 2 Σ w·A·B / (Σ w·A² + Σ w·B²). A itself as the
prediction of B then has R² = 2 · ceiling − 1, exactly; noise that both halves share counts as signal.
"""

from dataclasses import fields, replace

import numpy as np

from model.evaluation.scores import Floats, Scores, score


def score_halves(
    a: Floats, b: Floats, of_a: Floats, of_b: Floats, reference: Floats, weight: Floats
) -> Scores:
    """Scores of predictions of each half made from the other, both ways added.

    Parameters
    ----------
    a, b
        (rows, genes) standardised values of the two halves, NaN where not observed.
    of_a, of_b
        (rows, genes) what is made of `a` alone, scored on `b`, and of `b`, scored on `a`; only entries that
        are observed in both count.
    reference
        (genes,) the training mean.
    weight
        (rows,) weights of the rows.
    """
    unseen = np.isnan(a) | np.isnan(b)
    return _sum(
        score(np.where(unseen, np.nan, b), of_a, reference, weight),
        score(np.where(unseen, np.nan, a), of_b, reference, weight),
    )


def score_signal(a: Floats, b: Floats, reference: Floats, weight: Floats) -> Scores:
    """Scores that the true changes would have as predictions, both ways added; their R² is the ceiling.

    `error` is Σ B² − Σ A·B, which is unbiased, and so may be negative in a row.
    """
    perfect = score_halves(a, b, b, a, reference, weight)
    shared = 2 * np.nan_to_num(((a - reference) * (b - reference)).astype(np.float64), nan=0.0)
    return replace(
        perfect,
        error_of_row=perfect.square_of_row - shared.sum(1),
        error_of_gene=perfect.square_of_gene - weight @ shared,
    )


def _sum(one: Scores, other: Scores) -> Scores:
    """Scores of the same rows in two tables, added."""
    sums = {
        each.name: getattr(one, each.name) + getattr(other, each.name) for each in fields(Scores)
    }
    return Scores(**{**sums, "weight": one.weight})

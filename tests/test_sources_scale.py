"""Counts, estimated counts, and what poses as counts."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.scale import why_not_counts

Floats = npt.NDArray[np.float64]


def _counts(seed: int = 0, samples: int = 4, genes: int = 3000) -> Floats:
    """Negative-binomial counts of libraries of a fourfold range of depth, a third of the genes silent."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal(2.5, 2.5, size=genes)) * (rng.random(genes) < 0.67)
    depth = rng.uniform(0.5, 2, size=(samples, 1))
    shape = 5.0
    counts: Floats = rng.poisson(rng.gamma(shape, depth * mean / shape)).astype(float)
    return counts


def _tpm(counts: Floats) -> Floats:
    per_base = counts / np.random.default_rng(1).uniform(300, 6000, size=counts.shape[1])
    tpm: Floats = per_base / per_base.sum(axis=1, keepdims=True) * 1e6
    return tpm


def _estimated(counts: Floats, share: float) -> Floats:
    """Counts whose multi-mapping genes got fractions of reads, as RSEM, Salmon and StringTie give them."""
    rng = np.random.default_rng(2)
    moved: Floats = counts + (rng.random(counts.shape[1]) < share) * (counts > 0) * rng.random(
        counts.shape
    )
    return moved


def _length_scaled_tpm(counts: Floats) -> Floats:
    """tximport's lengthScaledTPM: every value fractional, each sample adds up to its library size."""
    scaled = _tpm(counts) * np.random.default_rng(1).uniform(300, 6000, size=counts.shape[1])
    scaled *= counts.sum(axis=1, keepdims=True) / scaled.sum(axis=1, keepdims=True)
    noisy: Floats = scaled * np.random.default_rng(3).uniform(0.9, 1.1, size=counts.shape)
    return noisy


PASS = {
    "counts": _counts(),
    "one sample": _counts(samples=1),
    "a shallow library": np.floor(_counts() / 50),
    "RSEM": np.round(_estimated(_counts(), 0.4), 2),
    "Salmon": np.round(_estimated(_counts(), 0.8), 3),
    "lengthScaledTPM": _length_scaled_tpm(_counts()),
    "averages of two runs": _counts() / 2,
    "a toy table": np.array([[0.5, 1.5], [2.5, 0.25]]),
    "no counts at all": np.zeros((3, 500)),
    "one empty sample": np.vstack([_counts(), np.zeros((1, 3000))]),
}
REFUSED = {
    "log2": (np.log2(_counts() + 1), "as for logarithms"),
    "log2 CPM in three digits": (
        np.round(np.log2(_counts() / _counts().sum(1, keepdims=True) * 1e6 + 1), 3),
        "as for logarithms",
    ),
    "TPM": (_tpm(_counts()), "every sample adds up to 1e+06"),
    "TPM in two digits": (np.round(_tpm(_counts()), 2), "every sample adds up to 1e+06"),
    "TPM of one sample": (_tpm(_counts())[:1], "about a million"),
    "TPM of the genes left": (_tpm(_counts())[:, _counts().sum(0) > 50], "every sample adds up"),
    "FPKM": (_tpm(_counts()) * np.array([[0.031], [0.022], [0.04], [0.027]]), "are below 1"),
    "CPM": (_counts() / _counts().sum(1, keepdims=True) * 1e6, "every sample adds up"),
    "DESeq2's in two digits": (
        np.round(_counts() / np.array([[0.813], [1.127], [0.954], [1.311]]), 2),
        "multiple of its smallest value",
    ),
    "DESeq2's normalised counts": (
        _counts() / np.array([[0.813], [1.127], [0.954], [1.311]]),
        "multiple of its smallest value",
    ),
    "shares": (_counts() / _counts().sum(1, keepdims=True), "as for logarithms"),
}


@pytest.mark.parametrize("name", PASS)
def test_counts_and_estimated_counts_pass(name: str) -> None:
    assert why_not_counts(PASS[name]) == ""


@pytest.mark.parametrize("name", REFUSED)
def test_normalised_values_and_logarithms_do_not(name: str) -> None:
    values, says = REFUSED[name]
    assert says in why_not_counts(values)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), samples=st.integers(1, 6))
def test_the_order_of_samples_and_genes_plays_no_part(seed: int, samples: int) -> None:
    rng = np.random.default_rng(seed)
    for values in (_counts(seed, samples, 400), _tpm(_counts(seed, samples, 400) + 1)):
        turned = values[rng.permutation(samples)][:, rng.permutation(values.shape[1])]
        assert bool(why_not_counts(values)) == bool(why_not_counts(turned))

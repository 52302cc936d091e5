"""Where contrasts lie in the plane, by their latent codes: principal components and t-SNE."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.floating]

# With fewer a picture of neighbours says nothing.
MIN_CONTRASTS = 5
_PERPLEXITY = 30.0
# Spread of the first axis at the beginning of t-SNE, as its authors advise.
_START = 1e-4
# How coarsely far groups are seen: up to 0.8 the pictures are alike, and 0.5 takes half as long again.
_ANGLE = 0.7


@dataclass(frozen=True, slots=True)
class Layout:
    """(contrast, 2) `points`, and what their two axes are called; `method` says how they were found."""

    points: Floats
    axes: tuple[str, str]
    method: str


def pca_layout(codes: Floats) -> Layout:
    """The two directions in which (contrast, latent) codes vary most, with the share of the variance of each.

    Raises
    ------
    ValueError
        There are fewer than `MIN_CONTRASTS` codes.
    """
    points, shares = _components(codes)
    first, second = (f"PC{i + 1} ({share:.1%} of the variance)" for i, share in enumerate(shares))
    return Layout(points, (first, second), "PCA")


def tsne_layout(codes: Floats, seed: int = 0) -> Layout:
    """t-SNE of (contrast, latent) codes, from their principal components on.

    The perplexity is 30, or a third of the neighbours that there are. Distances between groups mean little.

    Raises
    ------
    ValueError
        There are fewer than `MIN_CONTRASTS` codes.
    """
    points, _ = _components(codes)
    spread = points[:, 0].std()
    start = points / spread * _START if spread > 0 else points
    perplexity = min(_PERPLEXITY, (len(codes) - 1) / 3)
    fit = TSNE(
        perplexity=perplexity, init=start.astype(np.float32), random_state=seed, angle=_ANGLE
    )
    # With one thread the picture is the same on every machine; more gain little, and lose on a busy one.
    with threadpool_limits(limits=1):
        fitted = fit.fit_transform(codes)
    return Layout(fitted, ("t-SNE 1", "t-SNE 2"), f"t-SNE, perplexity {perplexity:.3g}")


def _components(codes: Floats) -> tuple[Floats, tuple[float, float]]:
    """(contrast, 2) scores on the first components, 0 where there is no second; shares of the variance."""
    n_contrasts, width = codes.shape
    if n_contrasts < MIN_CONTRASTS:
        raise ValueError(f"a layout needs {MIN_CONTRASTS} contrasts at least, got {n_contrasts}")
    centred = codes - codes.mean(0)
    points = np.zeros((n_contrasts, 2))
    shares = np.zeros(2)
    # Codes that do not vary (a network whose units are all dead) have no direction.
    if total := float(np.sum(centred**2, dtype=np.float64)):
        n = min(2, width)
        points[:, :n] = PCA(n, svd_solver="full").fit_transform(centred)
        shares = np.sum(points**2, axis=0) / total
    return points, (float(shares[0]), float(shares[1]))

"""Studies with known truth, for the laws and the simulations of the statistics."""

from collections.abc import Sequence

import numpy as np

from pipeline.dea.arrays import Bools, Floats


def simulate_counts(
    seed: int,
    groups: Sequence[str],
    *,
    n_genes: int,
    planted: float = 0.0,
    depths: Sequence[float] | None = None,
    silent: dict[str, float] | None = None,
) -> tuple[Floats, Bools]:
    """Negative binomial counts (sample, gene), and which genes differ between any groups.

    Parameters
    ----------
    planted
        Share of genes that change, by about 2**±1.5, in every group but the first.
    depths
        (sample,) mean library sizes; 10–20 million by default.
    silent
        Tissue, the first letter of a group's name → share of genes that it does not express.
    """
    rng = np.random.default_rng(seed)
    group = np.array([sorted(set(groups)).index(g) for g in groups])
    n_levels = int(group.max()) + 1
    base = rng.gamma(0.4, 1.0, n_genes) + 1e-7
    change = np.ones((n_levels, n_genes))
    differs = np.zeros(n_genes, dtype=bool)
    for level in range(1, n_levels):
        hit = rng.random(n_genes) < planted
        change[level, hit] = 2.0 ** (
            rng.choice([-1, 1], hit.sum()) * rng.gamma(4, 0.375, hit.sum())
        )
        differs |= hit
    for tissue, share in (silent or {}).items():
        off = rng.random(n_genes) < share
        for level, name in enumerate(sorted(set(groups))):
            if name.startswith(tissue):
                change[level, off] = 1e-9
    mean = base / base.sum() * change[group]
    sizes = rng.uniform(1e7, 2e7, len(groups)) if depths is None else np.asarray(depths)
    mean *= sizes[:, None]
    # True dispersions scatter around the trend as an inverse χ² does, on 12 degrees of freedom.
    trend = 0.05 + 1 / (1 + base / base.sum() * 1.5e7)
    dispersion = trend * 12 / rng.chisquare(12, n_genes)
    counts = rng.poisson(rng.gamma(1 / dispersion, mean * dispersion))
    return counts.astype(np.float64), differs

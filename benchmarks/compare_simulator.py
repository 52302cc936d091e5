"""Compare simulated with real count tables, by the same measures of both.

    python -m benchmarks.compare_simulator STUDIES

The table it prints stands in docs/simulation.md.
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.dispersion_fit import log2_cpm, size_factors
from benchmarks.real_studies import DOWN_SAMPLED, FILTERED, read_real_studies
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.study import simulate_study
from pipeline.simulate.universe import make_universe

Floats = npt.NDArray[np.float64]

RANKS = (100, 1000, 5000, 10_000, 13_000, 16_000)
ABUNDANCE_BINS = ((0, 2), (2, 4), (4, 6), (6, 8))
TAILS = (10, 50, 90)
MIN_AXIS = 40_000  # rows without which a table has lost its silent genes


def measure(counts: Floats, groups: Sequence[str]) -> dict[str, float]:
    """Measures of a count table (sample, gene), by name; the order is that of the printed table."""
    counts = np.asarray(counts, dtype=np.float64)
    size = size_factors(counts)
    abundance = log2_cpm(counts, size)
    top = np.sort(abundance)[::-1]
    found = {f"log2 cpm of the gene at rank {rank:,}": top[rank - 1] for rank in RANKS}
    _, sizes = np.unique(groups, return_counts=True)
    whole = counts.shape[1] >= MIN_AXIS
    found["genes with ≥ 10 counts in the smallest group's number of samples"] = float(
        ((counts >= 10).sum(axis=0) >= sizes.min()).sum()
    )
    found["share of cells that are 0"] = float((counts == 0).mean()) if whole else np.nan
    found["share of genes silent in all samples"] = (
        float((counts == 0).all(axis=0).mean()) if whole else np.nan
    )
    mean, dispersion, variance = moments(counts / size[:, None] * size.mean(), size, groups)
    for low, high in ABUNDANCE_BINS:
        inside = (abundance >= low) & (abundance < high)
        for tail in TAILS:
            name = f"dispersion, {tail} % quantile, log2 cpm {low} to {high}"
            found[name] = float(np.percentile(dispersion[inside], tail))
    inside = (abundance > 2) & (abundance < 10) & (variance > 0)
    slope, _ = np.polyfit(np.log(mean[inside]), np.log(variance[inside]), 1)
    found["slope of log variance on log mean, log2 cpm 2 to 10"] = float(slope)
    return found


def moments(scaled: Floats, size: Floats, groups: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """(gene,) mean, dispersion by the method of moments, and variance within groups.

    `scaled` (sample, gene) are counts brought to one library size; dispersions may be negative.
    """
    labels = np.array(groups)
    df = 0
    squares, product = np.zeros(scaled.shape[1]), np.zeros(scaled.shape[1])
    for group in np.unique(labels):
        y = scaled[labels == group]
        squares += ((y - y.mean(axis=0)) ** 2).sum(axis=0)
        product += (len(y) - 1) * y.mean(axis=0) ** 2
        df += len(y) - 1
    mean, variance, squared = scaled.mean(axis=0), squares / df, product / df
    noise = mean * (size.mean() / size).mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        return mean, (variance - noise) / squared, variance


def real_measures(folder: Path) -> Iterator[dict[str, float]]:
    """Measures of the real studies that no one has filtered or down-sampled."""
    for study in read_real_studies(folder):
        if study.name not in FILTERED + DOWN_SAMPLED:
            yield measure(study.counts, study.groups)


def simulated_measures(n_studies: int, seed: int = 0) -> Iterator[dict[str, float]]:
    """Measures of simulated studies with replicates, on the full gene axis."""
    universe = make_universe(SimulationSettings(seed=seed))
    for k in range(n_studies):
        study = simulate_study(universe, k)
        if not study.layout.unusable:
            yield measure(study.counts.astype(np.float64), study.groups)


def specificity(a: Floats, b: Floats) -> float:
    """Share of the genes above 1 count per million in one study that are below 0.1 in another."""
    return float((b[a > 1] < 0.1).mean())


def real_specificity(folder: Path) -> list[float]:
    """Of each pair of real studies on the Ensembl axis, all of different tissues."""
    cpm = []
    for study in read_real_studies(folder):
        if study.ids[0].startswith("ENSMUSG") and study.name not in FILTERED + DOWN_SAMPLED:
            ids = pd.Series(study.ids).str.extract(r"^(ENSMUSG\d{11})")[0]
            cpm.append(pd.Series(_mean_cpm(study.counts)).groupby(ids.to_numpy()).sum())
    pairs = [pd.concat(pair, axis=1, join="inner").to_numpy() for pair in permutations(cpm, 2)]
    return [specificity(*pair.T) for pair in pairs if len(pair) > MIN_AXIS]


def simulated_specificity(n_studies: int, seed: int = 0) -> list[float]:
    """Of each pair of simulated studies of different tissues."""
    universe = make_universe(SimulationSettings(seed=seed))
    studies = [simulate_study(universe, k) for k in range(n_studies)]
    cpm = [(s.layout.tissue, _mean_cpm(s.counts.astype(np.float64))) for s in studies]
    return [specificity(a, b) for (x, a), (y, b) in permutations(cpm, 2) if x != y]


def _mean_cpm(counts: Floats) -> Floats:
    return np.asarray((counts / counts.sum(axis=1, keepdims=True)).mean(axis=0) * 1e6)


def collect(measures: Iterator[dict[str, float]]) -> dict[str, Floats]:
    """Each measure over all studies."""
    rows = list(measures)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", type=Path, help="folder of studies")
    parser.add_argument("--n-studies", type=int, default=48, help="simulated studies")
    arguments = parser.parse_args()
    real = collect(real_measures(arguments.studies))
    simulated = collect(simulated_measures(arguments.n_studies))
    print("| measure | real: median (range) | simulated: median (range) |\n|---|---|---|")
    for name, values in real.items():
        print(f"| {name} | {describe(values)} | {describe(simulated[name])} |")
    pairs = real_specificity(arguments.studies), simulated_specificity(24)
    real_pairs, simulated_pairs = (describe(np.array(values)) for values in pairs)
    print(f"| genes > 1 cpm here, < 0.1 cpm in another tissue | {real_pairs} | {simulated_pairs} |")


def describe(values: Floats) -> str:
    """Median and range."""
    known = values[np.isfinite(values)]
    middle, low, high = (
        f"{value:,.0f}" if known.max() > 1000 else f"{value:.2g}"
        for value in (np.median(known), known.min(), known.max())
    )
    return f"{middle} ({low} to {high})"


if __name__ == "__main__":
    main()

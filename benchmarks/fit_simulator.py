"""Fit the simulator's constants to a folder of real studies, and print them.

    python -m benchmarks.fit_simulator STUDIES GENE_ANNOTATION

What is printed belongs in `pipeline/simulate/fitted.py`. No count leaves this program.
"""

import argparse
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from benchmarks.dispersion_fit import (
    BIN_EDGES,
    dispersion_likelihood,
    fit_bins,
    fit_log_normal,
    log2_cpm,
    posterior_mean,
    size_factors,
)
from benchmarks.real_studies import (
    DOWN_SAMPLED,
    FILTERED,
    ONE_TISSUE,
    RealStudy,
    cpm_by_gene,
    ensembl_ids,
    read_real_studies,
)

Floats = npt.NDArray[np.float64]

N_GENES = 48_978  # the gene axis that ranks are shares of
# fmt: off
RANKS = (1, 10, 100, 500, 1000, 2000, 4000, 6000, 8000, 9000, 10000, 11000, 12000, 13000, 14000,
         15000, 16000, 18000, 20000, 22000, 24000, 26000, 28000, 30000, 32000)
# fmt: on
DEEP_AXIS = 40_000  # genes of low abundance are only in tables with this many rows
QUARTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
DEEP_BINS = slice(3, 12)  # abundances at which a study's level of dispersion is read
HIGH_BINS = slice(8, 12)  # and those at which counting noise leaves the spread over genes to see


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", type=Path, help="folder of studies")
    parser.add_argument(
        "annotation", type=Path, help="gene table with ensgene, entrez, symbol, biotype"
    )
    arguments = parser.parse_args()
    annotation = pd.read_csv(arguments.annotation, sep="\t", dtype="str")
    studies = read_real_studies(arguments.studies)
    print_abundance(studies)
    print_correlation(studies, annotation)
    print_libraries(studies)
    print_groups(studies)
    print_biotypes(studies, annotation)
    print_dispersion(studies, annotation)


def print_abundance(studies: Iterable[RealStudy]) -> None:
    """Median over studies of the abundance of the gene at each rank, and how the ranks vary."""
    columns, above = [], []
    for study in studies:
        if study.name in FILTERED:
            continue
        sorted_cpm = np.sort(log2_cpm(study.counts, study.counts.sum(axis=1)))[::-1]
        deep = len(sorted_cpm) >= DEEP_AXIS
        columns.append(
            [
                sorted_cpm[rank - 1]
                if rank <= len(sorted_cpm) and (deep or rank < 16000) and sorted_cpm[rank - 1] > -99
                else np.nan
                for rank in RANKS
            ]
        )
        above.append([(sorted_cpm > cut).sum() for cut in np.log2([0.1, 1, 10])])
    median = np.minimum.accumulate(np.nanmedian(np.array(columns), axis=0))
    shares = 1 - (np.array(RANKS) - 1) / N_GENES
    show("ABUNDANCE", zip(shares[::-1], median[::-1], strict=True), 4, 2)
    print(
        "EXPRESSED_SD (log genes above 0.1, 1, 10 cpm)", np.log(above).std(axis=0, ddof=1).round(3)
    )


def print_correlation(studies: Iterable[RealStudy], annotation: pd.DataFrame) -> None:
    """Tetrachoric correlation of "above 1 count per million" between studies of two tissues, or of one."""
    cpm = {s.name: cpm_by_gene(s, annotation) for s in studies if s.name not in FILTERED}
    one: list[float] = []
    two: list[float] = []
    for a, b in combinations(cpm, 2):
        both = pd.concat([cpm[a], cpm[b]], axis=1, join="inner")
        if len(both) < 15_000 or "PTH_Alekos2023" in (a, b):  # half of its ids are not of genes
            continue
        above = (both.to_numpy() > 1).astype(bool)
        (one if (a, b) in ONE_TISSUE else two).append(tetrachoric(above[:, 0], above[:, 1]))
    print(f"STUDY_CORRELATION = {np.median(one):.3f}  # {np.round(one, 3)}")
    tissue = np.median(two) / np.median(one)
    print(
        f"TISSUE_CORRELATION = {tissue:.2f}  # {len(two)} pairs, {min(two):.2f} to {max(two):.2f}"
    )


def tetrachoric(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float:
    """Correlation of the bivariate normal that agrees with two yes-no variables."""
    h, k = ndtri(a.mean()), ndtri(b.mean())
    angle = np.linspace(0, np.pi / 2 - 1e-3, 4001)
    squared = h * h + k * k - 2 * h * k * np.sin(angle)
    density = np.exp(-squared / (2 * np.cos(angle) ** 2)) / (2 * np.pi)
    steps = (density[1:] + density[:-1]) / 2 * np.diff(angle)
    joint = a.mean() * b.mean() + np.concatenate([[0], np.cumsum(steps)])
    return float(np.sin(np.interp((a & b).mean(), joint, angle)))


def print_libraries(studies: Iterable[RealStudy]) -> None:
    """Quantiles over studies of the median library size and of the spread around it."""
    sizes = [np.log(s.counts.sum(axis=1)) for s in studies if s.name not in DOWN_SAMPLED + FILTERED]
    median = np.exp([np.median(size) for size in sizes])
    show("LIBRARY_MEDIAN", zip(QUARTILES, np.quantile(median, QUARTILES), strict=True), 2, -5)
    spread = np.quantile([size.std(ddof=1) for size in sizes], QUARTILES)
    show("LIBRARY_SD", zip(QUARTILES, spread, strict=True), 2, 3)


def print_groups(studies: Iterable[RealStudy]) -> None:
    """How many groups have how many replicates, each study with the same weight."""
    shares: dict[int, float] = {}
    studies = list(studies)
    for study in studies:
        _, sizes = np.unique(study.groups, return_counts=True)
        for size in sizes:
            shares[int(size)] = shares.get(int(size), 0) + 1 / len(sizes) / len(studies)
    show("GROUP_SIZES", sorted(shares.items()), 0, 3)


def print_biotypes(studies: Iterable[RealStudy], annotation: pd.DataFrame) -> None:
    """Share of each biotype on the axis, and the mean normal score of its genes' abundance."""
    biotypes = annotation.drop_duplicates("ensgene").set_index("ensgene")["biotype"]
    scores = []
    for study in studies:
        cpm = cpm_by_gene(study, annotation)
        if len(cpm) > 50_000 and study.name not in DOWN_SAMPLED:
            rank = (cpm + np.random.default_rng(0).random(len(cpm)) * 1e-9).rank()
            scores.append(pd.Series(ndtri((rank - 0.5) / len(cpm)), cpm.index))
    score = pd.concat(scores, axis=1).mean(axis=1)
    table = score.groupby(biotypes.reindex(score.index)).agg(["size", "mean"])
    for biotype, row in table[table["size"] > 500].sort_values("size", ascending=False).iterrows():
        print(f"biotype {biotype}: share {row['size'] / len(score):.3f}, score {row['mean']:.2f}")


def print_dispersion(studies: Iterable[RealStudy], annotation: pd.DataFrame) -> None:
    """Trend over abundance, level by study, spread over genes and what of it studies share."""
    studies = list(studies)
    fits = np.array([fit_bins(study.counts, study.groups) for study in studies])
    mean, sd = fits[..., 0], fits[..., 1]
    level = np.nanmedian(mean[:, DEEP_BINS] - np.nanmedian(mean[:, DEEP_BINS], axis=0), axis=1)
    trend = np.nanmedian(mean - level[:, None], axis=0)
    level = np.nanmedian((mean - trend)[:, DEEP_BINS], axis=1)
    middles = (np.array(BIN_EDGES[:-1]) + BIN_EDGES[1:]) / 2
    for study, a, s, row in zip(studies, level, sd, mean, strict=True):
        print(study.name, f"level {a:.2f}", "sd", s.round(1), "dispersion", np.exp(row).round(4))
    show("DISPERSION", zip(middles, np.exp(trend), strict=True), 1, 4)
    shares = (0.1, 0.25, 0.5, 0.75, 0.9)
    show("DISPERSION_LEVEL", zip(shares, np.quantile(level, shares), strict=True), 2, 2)
    print(f"DISPERSION_GENE_SD = {np.nanmedian(sd[:, HIGH_BINS]):.2f}")
    print(f"DISPERSION_GENE_SHARED = {shared_dispersion(studies, annotation):.2f}")


def shared_dispersion(studies: Iterable[RealStudy], annotation: pd.DataFrame) -> float:
    """Median correlation between two studies of a gene's log dispersion, freed of its error."""
    posterior, reliability = {}, {}
    for study in studies:
        size = size_factors(study.counts)
        abundance = log2_cpm(study.counts, size)
        genes = np.flatnonzero((abundance > 4) & (abundance < 8))
        likelihood = dispersion_likelihood(study.counts[:, genes], size, study.groups)
        mean, sd = fit_log_normal(likelihood)
        value = posterior_mean(likelihood, mean, sd)
        ids = ensembl_ids(study, annotation)[genes]
        posterior[study.name] = pd.Series(value, name=study.name).groupby(ids).mean()
        reliability[study.name] = value.var() / sd**2
    found = []
    for a, b in combinations(posterior, 2):
        both = pd.concat([posterior[a], posterior[b]], axis=1, join="inner")
        if len(both) > 1000:
            r = both.corr().to_numpy()[0, 1]
            found.append(r / np.sqrt(reliability[a] * reliability[b]))
    return float(np.median(found))


def show(name: str, pairs: Iterable[tuple[float, float]], digits: int, value_digits: int) -> None:
    """Print a table of pairs as it stands in `fitted.py`."""
    rows = ", ".join(f"({a:.{digits}f}, {np.round(b, value_digits):g})" for a, b in pairs)
    print(f"{name} = ({rows})")


if __name__ == "__main__":
    main()

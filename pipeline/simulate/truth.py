"""The planted truth: read it back, and say how well an analysis recovered it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from scipy import sparse

from storage.errors import InputError

Floats = npt.NDArray[np.floating]
Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a simulated folder.

    `contrasts`, `studies`, `samples`, `programs`: one row each. Sparse, rows in the order of the tables:
    `logfc` (contrast, gene), `activities` (contrast, program), `loadings` (program, gene). `gene_ids` are
    in the order of `genes.tsv.gz`.
    """

    contrasts: pd.DataFrame
    studies: pd.DataFrame
    samples: pd.DataFrame
    programs: pd.DataFrame
    gene_ids: tuple[str, ...]
    logfc: sparse.csr_array
    activities: sparse.csr_array
    loadings: sparse.csr_array

    def true_logfc(self, study: str, test: str, reference: str) -> Floats32 | None:
        """(gene,) true log2 fold change between any two levels of a study; None if it has no such levels."""
        rows = self.contrasts[self.contrasts["study"] == study]
        if rows.empty or test == reference:
            return None
        total = np.zeros(len(self.gene_ids), dtype=np.float32)
        for level, sign in ((test, 1), (reference, -1)):
            row = rows.index[rows["test"] == level]
            if len(row):
                total += sign * self.logfc[[int(row[0])]].toarray()[0]
            elif level != rows["reference"].iloc[0]:
                return None
        return total


@dataclass(frozen=True, slots=True)
class Recovery:
    """How well an analysis found what was planted, over all tested genes of all contrasts.

    `correlation` of estimated and true log2 fold changes; `slope` of the estimated on the true, through
    the origin; `false_discovery_rate` of the genes called, `sensitivity` over the genes that truly
    change, and `strong_sensitivity` over those that do so at least twofold. NaN: nothing to divide by.
    """

    n_contrasts: int
    n_tested: int
    n_changed: int
    n_called: int
    correlation: float
    slope: float
    false_discovery_rate: float
    sensitivity: float
    strong_sensitivity: float


def read_truth(path: Path) -> Truth:
    """Read the truth of the folder that `write_folder` made at `path`.

    Raises
    ------
    InputError
        If there is no finished truth in it.
    """
    truth = path / "truth"
    if not (truth / "settings.json").is_file():
        raise InputError(f"{path} has no finished truth; write the simulated folder again")
    contrasts, studies, samples, programs = (
        pq.read_table(truth / f"{name}.parquet").to_pandas()
        for name in ("contrasts", "studies", "samples", "programs")
    )
    genes = pd.read_csv(path / "genes.tsv.gz", sep="\t", usecols=["gene_id"])["gene_id"]
    n_contrasts, n_programs, n_genes = len(contrasts), len(programs), len(genes)
    return Truth(
        contrasts=contrasts,
        studies=studies,
        samples=samples,
        programs=programs,
        gene_ids=tuple(genes),
        logfc=_read_sparse(truth / "logfc.parquet", (n_contrasts, n_genes)),
        activities=_read_sparse(truth / "activities.parquet", (n_contrasts, n_programs)),
        loadings=_read_sparse(truth / "loadings.parquet", (n_programs, n_genes)),
    )


def recovery(
    logfc: Floats,
    neg_log10_adj_p: Floats,
    true_logfc: Floats,
    tested: npt.NDArray[np.bool_],
    *,
    level: float = 0.05,
) -> Recovery:
    """Compare estimates with the truth of the same contrasts.

    Parameters
    ----------
    logfc, neg_log10_adj_p, true_logfc, tested
        All (contrast, gene); the first two are read only where `tested`.
    level
        Adjusted p value below which a gene is called.

    Raises
    ------
    ValueError
        If the shapes differ, or a tested gene has no estimate.
    """
    shapes = {a.shape for a in (logfc, neg_log10_adj_p, true_logfc, tested)}
    if len(shapes) > 1:
        raise ValueError(f"the arrays must have one shape, got {sorted(shapes)}")
    estimate, truth = (a[tested].astype(np.float64) for a in (logfc, true_logfc))
    log_p = neg_log10_adj_p[tested].astype(np.float64)
    missing = int((~np.isfinite(estimate) | np.isnan(log_p)).sum())
    if missing:
        raise ValueError(f"{missing} tested genes have no estimate; mark them as not tested")
    called = log_p > -np.log10(level)
    changed, strong = truth != 0, np.abs(truth) >= 1
    varies = len(truth) > 1 and np.ptp(truth) > 0 and np.ptp(estimate) > 0
    return Recovery(
        n_contrasts=len(logfc),
        n_tested=len(truth),
        n_changed=int(changed.sum()),
        n_called=int(called.sum()),
        correlation=float(np.corrcoef(estimate, truth)[0, 1]) if varies else np.nan,
        slope=_ratio(float(estimate @ truth), float(truth @ truth)),
        false_discovery_rate=_ratio((called & ~changed).sum(), called.sum()),
        sensitivity=_ratio((called & changed).sum(), changed.sum()),
        strong_sensitivity=_ratio((called & strong).sum(), strong.sum()),
    )


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan


def _read_sparse(path: Path, shape: tuple[int, int]) -> sparse.csr_array:
    """A table of (row, column, value) as a sparse matrix."""
    row, column, value = (c.to_numpy() for c in pq.read_table(path).columns)
    return sparse.csr_array((value, (row, column)), shape=shape)

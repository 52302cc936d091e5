"""The parts of a large compendium, quickly: simulated contrasts, each scaled by factors of its own."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.dea.adjust import neg_log10_adjusted
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.statistics import simulate_contrast_statistics
from pipeline.simulate.universe import Universe, make_universe
from storage.compile import StudyEntry
from storage.contrast_id import contrast_id
from storage.disk import Disk
from storage.genes import GeneList
from storage.parts import Part, write_part
from storage.schema import STATISTICS, STUDY_STATISTICS

Floats32 = npt.NDArray[np.float32]

# More distinct contrasts than a shard has rows, so that no chunk, which is compressed alone, repeats one.
POOL_CONTRASTS = 600
MEASURED_ONLY = 0.3  # of the untested genes: they have a logfc, from a few counts, with many ties
FEW_COUNTS_LOGFC = np.round(np.random.default_rng(7).normal(0, 0.8, 3000), 3).astype(np.float32)
MAX_CONTRASTS = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntheticStudy:
    """One study to write: its contrasts are `n_contrasts` of the pool's, from `first` on."""

    workspace: Path
    pool: Path
    gene_list_sha256: str
    number: int
    first: int
    n_contrasts: int

    @property
    def name(self) -> str:
        """Study id."""
        return f"SRP{self.number:06d}"

    @property
    def key(self) -> str:
        """Key of its part."""
        return hashlib.sha256(self.name.encode()).hexdigest()


def make_genes_and_pool(path: Path, n_genes: int, n_contrasts: int) -> GeneList:
    """Simulate contrasts and save them at `path`, (statistic, contrast, gene); return the genes."""
    # Every study has a contrast at least, so these are enough.
    settings = SimulationSettings(n_studies=n_contrasts, n_genes=n_genes, seed=11, unusable_share=0)
    universe = make_universe(settings)
    pool = np.empty((len(STATISTICS), n_contrasts, n_genes), np.float32)
    for place, row in enumerate(_simulated_rows(universe, n_contrasts)):
        pool[:, place] = row
    np.save(path, pool)
    genes = universe.genes
    return GeneList(
        tuple(map(str, genes.ids)),
        tuple(map(str, genes.symbols)),
        tuple(map(str, genes.biotypes)),
        (),
    )


def plan_studies(
    workspace: Path, pool: Path, genes: GeneList, n_contrasts: int, seed: int = 0
) -> list[SyntheticStudy]:
    """Studies of 1–9 contrasts with `n_contrasts` together."""
    rng = np.random.default_rng([12, seed])
    sha256 = genes.sha256
    studies: list[SyntheticStudy] = []
    first = 0
    while first < n_contrasts:
        size = min(int(rng.integers(1, MAX_CONTRASTS + 1)), n_contrasts - first)
        studies.append(
            SyntheticStudy(
                workspace=workspace,
                pool=pool,
                gene_list_sha256=sha256,
                number=len(studies),
                first=first,
                n_contrasts=size,
            )
        )
        first += size
    return studies


def write_synthetic_part(study: SyntheticStudy) -> StudyEntry:
    """Write a study's part; return its entry in the plan of a build."""
    write_part(Disk(study.workspace), make_part(study))
    return StudyEntry(study=study.name, part=study.key)


def make_part(study: SyntheticStudy) -> Part:
    """The part of a study."""
    rng = np.random.default_rng([13, study.number])
    pool = _open_pool(study.pool)
    rows = (study.first + np.arange(study.n_contrasts)) % pool.shape[1]
    a, b = np.exp(rng.normal(0, 0.1, (2, study.n_contrasts, 1))).astype(np.float32)
    # logfc, se, t, p, adjusted p: t stays logfc / se, and p about what t says.
    scales = (a * b, b, a, a * a, a * a)
    statistics = {
        variable.name: pool[place, rows] * scale
        for place, (variable, scale) in enumerate(zip(STATISTICS, scales, strict=True))
    }
    tested = ~np.isnan(statistics["t"][0])
    ave_expr = np.where(tested, rng.normal(4, 2.5, pool.shape[2]), np.nan).astype(np.float32)
    name = study.name
    tests = [f"level-{row}" for row in range(study.n_contrasts)]
    return Part(
        study=name,
        key=study.key,
        gene_list_sha256=study.gene_list_sha256,
        contrasts=[
            {
                "contrast": contrast_id(name, test, "control"),
                "study": name,
                "factor": "treatment",
                "test": test,
                "reference": "control",
                "direction": "reference",
                "n_test": 3,
                "n_reference": 3,
                "n_tested_genes": int((~np.isnan(statistics["t"][row])).sum()),
                "df_total": 7.0,
            }
            for row, test in enumerate(tests)
        ],
        samples=[
            {"sample": f"{name}-{i}", "used": True, "group": group}
            for i, group in enumerate(["control", *tests])
        ],
        columns={
            "status": "analysed",
            "n_contrasts": study.n_contrasts,
            "n_samples": 3 * (study.n_contrasts + 1),
        },
        statistics=statistics,
        study_statistics={variable.name: ave_expr for variable in STUDY_STATISTICS},
    )


def _simulated_rows(universe: Universe, n: int) -> Iterator[Floats32]:
    """The first `n` contrasts, (statistic, gene) each, in the order of `STATISTICS`."""
    rng = np.random.default_rng(14)
    left = n
    for k in range(n):
        found = simulate_contrast_statistics(universe, k)
        for logfc, se, t, p in zip(found.logfc, found.se, found.t, found.neg_log10_p, strict=True):
            if left == 0:
                return
            left -= 1
            tested = ~np.isnan(t)
            adjusted = np.full_like(p, np.nan)
            adjusted[tested] = neg_log10_adjusted(p[tested].astype(np.float64))
            few = ~tested & (rng.random(len(t)) < MEASURED_ONLY)
            logfc = np.where(few, rng.choice(FEW_COUNTS_LOGFC, len(t)), logfc)
            yield np.stack([logfc, se, t, p, adjusted])


@lru_cache(maxsize=1)
def _open_pool(path: Path) -> Floats32:
    pool: Floats32 = np.load(path, mmap_mode="r")
    return pool

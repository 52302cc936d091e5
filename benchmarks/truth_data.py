"""A compendium of known programs: a linear part, saturation, programs that gate each other, and noise.

The sizes of the parts are stated as shares of the variance over all entries.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from storage.compile import StudyEntry
from storage.contrast_id import contrast_id
from storage.disk import Disk
from storage.genes import GeneList
from storage.parts import Part, write_part
from storage.schema import STUDY_STATISTICS

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class TruthSettings:
    """Sizes of the simulated compendium.

    `linear`, `saturating`, `gated` and `noise` are shares of the variance, and add up to 1; `untested` is the
    share of the genes that a study does not test.
    """

    studies: int = 900
    genes: int = 600
    programs: int = 12
    linear: float = 0.3
    saturating: float = 0.2
    gated: float = 0.2
    noise: float = 0.3
    untested: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        whole = self.linear + self.saturating + self.gated + self.noise
        if abs(whole - 1) > 1e-9:
            raise ValueError(f"the shares must add up to 1, got {whole}")


@dataclass(frozen=True, slots=True)
class Truth:
    """`signal` and `noise` are (contrast, gene); `study` and `tested` say of what study and what it tests."""

    signal: Floats
    noise: Floats
    study: npt.NDArray[np.int64]
    tested: npt.NDArray[np.bool_]


def simulate_truth(settings: TruthSettings) -> Truth:
    """Draw activities of programs, and what each gene makes of them.

    A study turns on a few programs; its contrasts share them, with activities of their own. To a program
    of activity a a gene responds with w·a (linear), with w·tanh(c·a), where each gene has a threshold 1/c
    of its own (saturating), and with w·a·σ(4·b), b being the activity of the program that gates it (gated).
    """
    rng = np.random.default_rng([71, settings.seed])
    sizes = rng.integers(1, 8, settings.studies)
    study = np.repeat(np.arange(settings.studies), sizes)
    n, k, g = len(study), settings.programs, settings.genes
    on = rng.random((settings.studies, k)) < 0.35
    common = rng.normal(0, 1, (settings.studies, k))
    activity = np.where(on[study], 0.6 * common[study] + 0.8 * rng.standard_normal((n, k)), 0)
    linear = activity @ _loadings(rng, k, g)
    saturating = np.zeros((n, g))
    weights = _loadings(rng, k, g)
    gains = np.exp(rng.normal(0.7, 0.8, (k, g)))
    for program in range(k):
        saturating += weights[program] * np.tanh(gains[program] * activity[:, program, None])
    gate = activity[:, rng.permutation(k)]
    gated = activity / (1 + np.exp(-4 * gate)) @ _loadings(rng, k, g)
    # As in counts: a gene has its own noise, and so has a study.
    noise = rng.standard_normal((n, g)) * np.exp(rng.normal(0, 0.3, g))
    noise *= np.exp(rng.normal(0, 0.3, settings.studies))[study][:, None]
    parts = {"linear": linear, "saturating": saturating, "gated": gated}
    signal = sum(_scaled(part, getattr(settings, name)) for name, part in parts.items())
    expressed = rng.beta(4, 1, g)
    expressed *= (1 - settings.untested) / expressed.mean()
    tested = rng.random((settings.studies, g)) < expressed
    return Truth(np.asarray(signal), _scaled(noise, settings.noise), study, tested[study])


def write_truth(workspace: Path, truth: Truth) -> tuple[GeneList, list[StudyEntry]]:
    """Write one part for each study; return the genes, and the entries for the compendium."""
    n_genes = truth.signal.shape[1]
    genes = GeneList(
        tuple(f"ENSMUSG{i:011d}" for i in range(n_genes)),
        tuple(f"g{i}" for i in range(n_genes)),
        ("protein_coding",) * n_genes,
        (),
    )
    disk = Disk(workspace)
    entries = []
    for number in range(int(truth.study.max()) + 1):
        part = _part(number, truth, genes.sha256)
        write_part(disk, part)
        entries.append(StudyEntry(study=part.study, part=part.key))
    return genes, entries


def _loadings(rng: np.random.Generator, programs: int, genes: int) -> Floats:
    """(program, gene): a fifth of the genes is in a program."""
    member = rng.random((programs, genes)) < 0.2
    return np.where(member, rng.standard_normal((programs, genes)), 0)


def _scaled(part: Floats, share: float) -> Floats:
    """The part, scaled so that its mean square is `share`; all of it together has 1."""
    scaled: Floats = part * np.sqrt(share / np.mean(part**2))
    return scaled


def _part(number: int, truth: Truth, gene_list_sha256: str) -> Part:
    name, rows = f"SRP{number:06d}", np.flatnonzero(truth.study == number)
    tested = truth.tested[rows]
    logfc = np.where(tested, truth.signal[rows] + truth.noise[rows], np.nan)
    se = np.where(tested, np.sqrt(np.mean(truth.noise[rows] ** 2)), np.nan)
    tests = [f"level-{i}" for i in range(len(rows))]
    values = {"logfc": logfc, "se": se, "t": logfc / se}
    values |= {name: np.where(tested, 1.0, np.nan) for name in ("neg_log10_p", "neg_log10_adj_p")}
    return Part(
        study=name,
        key=f"{number:064x}",
        gene_list_sha256=gene_list_sha256,
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
                "n_tested_genes": int(tested[i].sum()),
                "df_total": 7.0,
            }
            for i, test in enumerate(tests)
        ],
        samples=[
            {"sample": f"{name}-{i}", "used": True, "group": group}
            for i, group in enumerate(["control", *tests])
        ],
        columns={"status": "analysed", "n_contrasts": len(rows), "n_samples": 3 * (len(rows) + 1)},
        statistics={key: value.astype(np.float32) for key, value in values.items()},
        study_statistics={
            variable.name: np.full(len(tested[0]), np.nan, np.float32)
            for variable in STUDY_STATISTICS
        },
    )

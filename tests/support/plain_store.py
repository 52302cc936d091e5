"""A store in plain dictionaries and arrays: what a compendium must hold and answer, without a file."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import xarray as xr

from storage.compile import StudyEntry
from storage.genes import GeneList
from storage.open import contrasts_of, samples_of, studies_of
from storage.parts import Part
from storage.schema import STATISTICS, STUDY_STATISTICS
from tests.support.parts import make_part

NAMES = tuple(variable.name for variable in STATISTICS)
STUDY_NAMES = tuple(variable.name for variable in STUDY_STATISTICS)
# Few values, so that they tie; with the sign of zero, and the ends of what float32 holds.
_VALUES = np.array([0.0, -0.0, 0.5, -0.5, 2.0, -2.0, 1e-40, -3e38], np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class PlainStudy:
    """One study of a plan: its (gene,) statistics by contrast id and name, or why it has none."""

    study: str
    part: str = ""
    status: str = "analysed"
    reason: str = ""
    contrasts: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    by_gene: dict[str, np.ndarray] = field(default_factory=dict)
    samples: dict[str, bool] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What two studies of the same content share."""
        return self.study, self.part, self.status, self.reason

    @property
    def entry(self) -> StudyEntry:
        """What the compiler is told of it."""
        if self.part:
            return StudyEntry(study=self.study, part=self.part)
        columns = {"status": self.status, "reason": self.reason, "message": "a sentence"}
        samples = [{"sample": sample, "used": used} for sample, used in self.samples.items()]
        return StudyEntry(study=self.study, columns=columns, samples=samples)


@dataclass(frozen=True, eq=False)
class PlainStore:
    """What one generation holds: its studies, sorted by name."""

    studies: tuple[PlainStudy, ...]
    n_genes: int

    @property
    def identity(self) -> list[tuple[str, str, str, str]]:
        """What two generations of the same content share."""
        return [study.identity for study in self.studies]

    @property
    def contrasts(self) -> dict[str, dict[str, np.ndarray]]:
        """The statistics of every contrast, in the order of rows: by study, then by id."""
        return {name: s.contrasts[name] for s in self.studies for name in sorted(s.contrasts)}

    def matrix(self, statistic: str) -> np.ndarray:
        """A statistic (contrast, gene) or (study, gene)."""
        if statistic in NAMES:
            rows = [values[statistic] for values in self.contrasts.values()]
        else:
            unknown = np.full(self.n_genes, np.nan, np.float32)
            rows = [study.by_gene.get(statistic, unknown) for study in self.studies]
        return np.array(rows, np.float32).reshape(-1, self.n_genes)

    def of_gene(self, place: int) -> dict[str, np.ndarray]:
        """Every statistic of one gene, (contrast,)."""
        return {name: self.matrix(name)[:, place] for name in NAMES}


def make_study(study: str, n_contrasts: int, seed: int, genes: GeneList) -> tuple[PlainStudy, Part]:
    """An analysed study of a few repeated values and NaN, and its part, whose rows are out of order."""
    part = make_part(study, n_contrasts, genes, seed)
    rng = np.random.default_rng([seed, *study.encode(), n_contrasts])
    contrasts = {}
    for told in part.contrasts:
        measured = rng.random(len(genes)) < 0.8
        tested = measured & (rng.random(len(genes)) < 0.7)
        values = {name: rng.choice(_VALUES, len(genes)) for name in NAMES}
        for name in ("se", "neg_log10_p", "neg_log10_adj_p"):
            values[name] = abs(values[name])
        for name in NAMES:
            values[name][~(measured if name == "logfc" else tested)] = np.nan
        contrasts[str(told["contrast"])] = values
    plain = PlainStudy(
        study=study,
        part=part.key,
        contrasts=contrasts,
        by_gene={name: rng.choice(_VALUES, len(genes)) for name in STUDY_NAMES},
        samples={str(sample["sample"]): bool(sample["used"]) for sample in part.samples},
    )
    none = np.empty((0, len(genes)), np.float32)
    part = replace(
        part,
        statistics={
            name: np.array([values[name] for values in contrasts.values()], np.float32)
            if contrasts
            else none
            for name in NAMES
        },
        study_statistics=plain.by_gene,
    )
    return plain, part


def assert_same_bits(found: np.ndarray, wanted: np.ndarray) -> None:
    """Equal to the last bit, NaN and the sign of zero included."""
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.view(np.uint32), wanted.view(np.uint32))


def assert_matrices(tree: xr.DataTree, plain: PlainStore) -> None:
    """An open compendium holds the very numbers of `plain`."""
    for dataset, names in ((contrasts_of(tree), NAMES), (studies_of(tree), STUDY_NAMES)):
        for name in names:
            assert_same_bits(dataset[name].values, plain.matrix(name))


def assert_labels(tree: xr.DataTree, plain: PlainStore) -> None:
    """An open compendium holds the studies, contrasts and samples of `plain`, sorted, under their names."""
    contrasts, studies, samples = contrasts_of(tree), studies_of(tree), samples_of(tree)
    rows = list(zip(contrasts["study"].values, contrasts.indexes["contrast"], strict=True))
    assert all(before < after for before, after in pairwise(rows))
    assert [name for _, name in rows] == list(plain.contrasts)
    assert [s for s, _ in rows] == [s.study for s in plain.studies for _ in s.contrasts]
    told = ("study", "part", "status", "reason")
    found = list(zip(*(studies[column].values for column in told), strict=True))
    assert found == plain.identity
    sizes = [len(study.contrasts) if study.part else -1 for study in plain.studies]
    assert list(studies["n_contrasts"].values) == sizes
    assert list(zip(*(samples[c].values for c in ("study", "sample", "used")), strict=True)) == [
        (study.study, sample, used)
        for study in plain.studies
        for sample, used in study.samples.items()
    ]

"""The layout of one study: its factor and levels, who is in which group, batches, and what spoils it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.simulate.fitted import GROUP_SIZES
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.words import BATCH_COLUMNS, BATCH_LEVELS, KINDS, SECOND_VARIABLES, FactorKind

Ints = npt.NDArray[np.int64]

ONE_CONDITION = "one_condition"
ONE_SAMPLE = "one_sample"
NO_REPLICATES = "no_replicates"
UNUSABLE = (ONE_CONDITION, ONE_SAMPLE, NO_REPLICATES)

ID_STYLES = ("ensembl", "ensembl_version", "symbol", "entrez", "ensembl_symbol")
ID_STYLE_SHARES = (0.5, 0.2, 0.15, 0.05, 0.1)
N_GROUPS_SHARES = (0.6, 0.25, 0.15)  # 2, 3 and 4 groups


@dataclass(frozen=True, slots=True)
class Covariate:
    """A sample variable beside the factor: `codes` (sample,) are positions in `levels`."""

    column: str
    levels: tuple[str, ...]
    codes: Ints


@dataclass(frozen=True, slots=True)
class Layout:
    """Layout of one study.

    `levels` begin with the reference; `groups` (sample,) are positions in them. `perturbations` name
    what was done in each level but the reference; `doses` say how far along it is (1: fully).
    `unusable` is empty, or why no contrast can be made.
    """

    kind: str
    factor: str
    levels: tuple[str, ...]
    perturbations: tuple[str, ...]
    doses: tuple[float, ...]
    groups: Ints
    batch: Covariate | None
    second: Covariate | None
    messy: bool
    id_style: str
    tissue: int
    unusable: str

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.groups)

    @property
    def n_contrasts(self) -> int:
        """Levels that can be compared with the reference; 0 in an unusable study."""
        return 0 if self.unusable else len(self.levels) - 1


def why_unusable(settings: SimulationSettings, k: int) -> str:
    """Why study k has no contrast to give, or an empty string; such studies are evenly spaced."""
    share, phase = settings.unusable_share, (settings.seed % 97) / 97
    turn = int((k + 1) * share + phase)
    return UNUSABLE[turn % len(UNUSABLE)] if turn > int(k * share + phase) else ""


def draw_layout(rng: np.random.Generator, settings: SimulationSettings, k: int) -> Layout:
    """Draw the layout of study k."""
    unusable = why_unusable(settings, k)
    kind = KINDS[rng.choice(len(KINDS), p=_shares([kind.weight for kind in KINDS]))]
    n_groups = 2 + int(rng.choice(3, p=N_GROUPS_SHARES))
    levels, perturbations, doses = _draw_levels(rng, kind, n_groups)
    groups = _draw_groups(rng, len(levels), unusable)
    extra = rng.random()
    batch = second = None
    if not unusable and extra < settings.batch_share:
        batch = _draw_batch(rng, groups)
    elif not unusable and extra < settings.batch_share + settings.second_share:
        second = _draw_second(rng, groups)
    return Layout(
        kind=kind.name,
        factor=kind.columns[rng.integers(len(kind.columns))],
        levels=levels,
        perturbations=perturbations,
        doses=doses,
        groups=groups,
        batch=batch,
        second=second,
        messy=not unusable and bool(rng.random() < settings.messy_share),
        id_style=ID_STYLES[rng.choice(len(ID_STYLES), p=ID_STYLE_SHARES)],
        tissue=int(rng.integers(settings.n_tissues)),
        unusable=unusable,
    )


def _draw_levels(
    rng: np.random.Generator, kind: FactorKind, n_groups: int
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[float, ...]]:
    """Levels, the reference first; what was done in the others; how much of it."""
    n_tests = n_groups - 1
    if kind.scales:
        scale = kind.scales[rng.integers(len(kind.scales))][:n_groups]
        done = kind.perturbations[rng.integers(len(kind.perturbations))]
        return scale, (done,) * n_tests, tuple((i + 1) / n_tests for i in range(n_tests))
    reference = kind.references[rng.integers(len(kind.references))]
    template = kind.templates[rng.integers(len(kind.templates))]
    chosen = rng.choice(len(kind.perturbations), n_tests, replace=False)
    names = tuple(kind.perturbations[i] for i in chosen)
    return (reference, *(template.format(name) for name in names)), names, (1.0,) * n_tests


def _draw_groups(rng: np.random.Generator, n_levels: int, unusable: str) -> Ints:
    """(sample,) position of each sample's level: groups of one size, now and then one sample short."""
    if unusable == ONE_SAMPLE:
        return np.zeros(1, dtype=np.int64)
    if unusable == ONE_CONDITION:
        return np.zeros(int(rng.integers(3, 9)), dtype=np.int64)
    if unusable == NO_REPLICATES:
        return np.arange(n_levels)
    sizes = [size for size, _ in GROUP_SIZES]
    size = sizes[rng.choice(len(sizes), p=_shares([share for _, share in GROUP_SIZES]))]
    lost = (rng.random(n_levels) < 0.1) & (size > 2)
    return np.repeat(np.arange(n_levels), size - lost)


def _draw_batch(rng: np.random.Generator, groups: Ints) -> Covariate:
    columns, levels = BATCH_COLUMNS, BATCH_LEVELS
    return Covariate(
        columns[rng.integers(len(columns))], levels[rng.integers(len(levels))], _alternate(groups)
    )


def _draw_second(rng: np.random.Generator, groups: Ints) -> Covariate:
    columns, levels = SECOND_VARIABLES[rng.integers(len(SECOND_VARIABLES))]
    return Covariate(columns[rng.integers(len(columns))], levels, _alternate(groups))


def _alternate(groups: Ints) -> Ints:
    """(sample,) 0, 1, 0, 1… within each group, so that no group lies in one level alone."""
    starts = np.searchsorted(groups, groups)
    return (np.arange(len(groups)) - starts) % 2


def _shares(weights: list[float]) -> npt.NDArray[np.float64]:
    return np.array(weights) / sum(weights)

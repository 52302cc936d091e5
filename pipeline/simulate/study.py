"""One simulated study: counts, sample table and truth, a pure function of the universe and its number."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.simulate.counts import (
    draw_abundance,
    draw_counts,
    draw_dispersion,
    draw_library_sizes,
    expected_counts,
)
from pipeline.simulate.effects import Effects, draw_effects, draw_nuisance
from pipeline.simulate.layout import Layout, draw_layout
from pipeline.simulate.samples import draw_samples
from pipeline.simulate.streams import Stream, make_generator
from pipeline.simulate.universe import Universe

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contrast:
    """A contrast of the truth: level `test` against the study's reference level.

    `perturbation` is what was done, in the same word in every study; `dose` how far along (1: fully).
    """

    study: str
    factor: str
    test: str
    reference: str
    n_test: int
    n_reference: int
    perturbation: str
    dose: float


@dataclass(frozen=True, slots=True)
class SimulatedStudy:
    """One study and what is true of it.

    `counts` (sample, gene); `samples` as its submitter would give it, in the order of the counts;
    `groups` (sample,) the true levels. Per contrast, in order: `true_logfc` (contrast, gene), log2,
    and `activities` (contrast, program). An unusable study has no contrast.
    """

    name: str
    layout: Layout
    counts: npt.NDArray[np.int32]
    samples: pd.DataFrame
    groups: tuple[str, ...]
    contrasts: tuple[Contrast, ...]
    true_logfc: npt.NDArray[np.float32]
    activities: Floats


def study_name(k: int) -> str:
    """Accession of study number `k`."""
    return f"SIM{k:05d}"


def study_layout(universe: Universe, k: int) -> Layout:
    """Layout of study k, without its counts."""
    return draw_layout(
        make_generator(universe.settings.seed, k, Stream.LAYOUT), universe.settings, k
    )


def study_effects(universe: Universe, layout: Layout, k: int) -> Effects:
    """Truth of study k, without its counts."""
    return draw_effects(make_generator(universe.settings.seed, k, Stream.EFFECTS), universe, layout)


def study_contrasts(layout: Layout, k: int) -> tuple[Contrast, ...]:
    """Every level of study k against its reference; none in an unusable study."""
    n = np.bincount(layout.groups, minlength=len(layout.levels))
    return tuple(
        Contrast(
            study=study_name(k),
            factor=layout.factor,
            test=layout.levels[i + 1],
            reference=layout.levels[0],
            n_test=int(n[i + 1]),
            n_reference=int(n[0]),
            perturbation=layout.perturbations[i],
            dose=layout.doses[i],
        )
        for i in range(layout.n_contrasts)
    )


def study_profile(universe: Universe, layout: Layout, k: int) -> tuple[Floats, Floats]:
    """(gene,) abundance in the reference level, in counts per million, and dispersion of study k."""
    rng = make_generator(universe.settings.seed, k, Stream.PROFILE)
    abundance = draw_abundance(rng, universe.tissue_scores[layout.tissue])
    return abundance, draw_dispersion(rng, abundance, universe.dispersion_scores)


def simulate_study(universe: Universe, k: int) -> SimulatedStudy:
    """Simulate study number `k` (from 0)."""
    seed = universe.settings.seed
    layout = study_layout(universe, k)
    effects = study_effects(universe, layout, k)
    abundance, dispersion = study_profile(universe, layout, k)

    rng = make_generator(seed, k, Stream.COUNTS)
    shift = draw_nuisance(rng, universe, layout)
    shift += np.vstack([np.zeros(len(abundance)), effects.logfc])[layout.groups]
    library_sizes = draw_library_sizes(rng, layout.n_samples)
    counts = draw_counts(rng, expected_counts(abundance, shift, library_sizes), dispersion)

    contrasts = study_contrasts(layout, k)
    rng = make_generator(seed, k, Stream.SAMPLES)
    return SimulatedStudy(
        name=study_name(k),
        layout=layout,
        counts=counts,
        samples=draw_samples(rng, layout, study_name(k), universe.tissues[layout.tissue]),
        groups=tuple(layout.levels[group] for group in layout.groups),
        contrasts=contrasts,
        true_logfc=effects.logfc[: len(contrasts)].astype(np.float32),
        activities=effects.activities[: len(contrasts)],
    )

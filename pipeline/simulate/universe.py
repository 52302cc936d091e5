"""What all simulated studies share: genes, tissues, programs, and what each perturbation does."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.simulate.fitted import TISSUE_CORRELATION
from pipeline.simulate.genes import SimulatedGenes, make_genes
from pipeline.simulate.programs import Programs, make_programs
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.streams import UNIVERSE, Stream, make_generator
from pipeline.simulate.words import KINDS, SECOND_VARIABLES, tissue_name

Floats = npt.NDArray[np.float64]

MEAN_EXTRA_PROGRAMS = 5.0
MAX_ACTIVITY = 2.5


@dataclass(frozen=True, slots=True)
class Universe:
    """The world that studies are drawn from; a function of the settings without `n_studies`.

    `tissue_scores` (tissue, gene), standard normal: abundance by tissue. `dispersion_scores` (gene,),
    standard normal: what of a gene's dispersion all studies share. `signatures` (perturbation,
    program): the activities that a perturbation named in `perturbations` causes wherever it is studied.
    """

    settings: SimulationSettings
    genes: SimulatedGenes
    tissues: tuple[str, ...]
    tissue_scores: Floats
    dispersion_scores: Floats
    programs: Programs
    perturbations: tuple[str, ...]
    signatures: Floats


def make_universe(settings: SimulationSettings) -> Universe:
    """Draw the universe of these settings."""
    seed = settings.seed
    genes = make_genes(make_generator(seed, UNIVERSE, Stream.GENES), settings.n_genes)

    rng = make_generator(seed, UNIVERSE, Stream.TISSUES)
    own = rng.standard_normal((settings.n_tissues + 1, settings.n_genes))
    shared = np.sqrt(TISSUE_CORRELATION) * genes.scores
    tissue_scores = shared + np.sqrt(1 - TISSUE_CORRELATION) * own[1:]

    # Programs are made of genes that are annotated: protein-coding, and expressed somewhere.
    weights = np.where(genes.biotypes == "protein_coding", 1.0, 0.05)
    weights *= 1 / (1 + np.exp(-2 * tissue_scores.max(axis=0)))
    programs = make_programs(
        make_generator(seed, UNIVERSE, Stream.PROGRAMS), settings.n_programs, weights
    )
    perturbations = perturbation_names()
    return Universe(
        settings=settings,
        genes=genes,
        tissues=tuple(tissue_name(i) for i in range(settings.n_tissues)),
        tissue_scores=tissue_scores,
        dispersion_scores=own[0],
        programs=programs,
        perturbations=perturbations,
        signatures=make_signatures(
            make_generator(seed, UNIVERSE, Stream.SIGNATURES), len(perturbations), programs
        ),
    )


def perturbation_names() -> tuple[str, ...]:
    """Everything that is done to mice and cells, once each, second variables included."""
    names = [name for kind in KINDS for name in kind.perturbations]
    names += [levels[1] for _, levels in SECOND_VARIABLES]
    return tuple(dict.fromkeys(names))


def make_signatures(rng: np.random.Generator, n: int, programs: Programs) -> Floats:
    """Sparse (perturbation, program) activities of either sign."""
    signatures = np.zeros((n, len(programs)))
    for row in signatures:
        row[:] = draw_activities(rng, programs, 1 + rng.poisson(MEAN_EXTRA_PROGRAMS))
    return signatures


def draw_activities(rng: np.random.Generator, programs: Programs, n_active: int) -> Floats:
    """(program,) activities, zero but for `n_active` programs drawn by their popularity."""
    activities = np.zeros(len(programs))
    n_active = min(n_active, len(programs))
    active = rng.choice(len(programs), n_active, replace=False, p=programs.popularity)
    size = rng.gamma(4.0, 0.2, n_active).clip(0.1, MAX_ACTIVITY)
    activities[active] = rng.choice([-1.0, 1.0], n_active) * size
    return activities

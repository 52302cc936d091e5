"""What the levels of a study do to its genes: activities of programs, and the log2 fold changes they make."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.simulate.layout import Layout
from pipeline.simulate.universe import Universe, draw_activities

Floats = npt.NDArray[np.float64]

NO_EFFECT_SHARE = 0.06  # of levels that do nothing at all
STRENGTH_SD = 0.45  # between studies of one perturbation (natural log)
OWN_PROGRAMS = 1.5  # mean number of programs that a level touches beside its signature
OWN_GENE_SHARE = 0.004
OWN_GENE_SD = 0.6
SECOND_STRENGTH = 0.5
BATCH_SD = (0.1, 0.4)


@dataclass(frozen=True, slots=True)
class Effects:
    """Truth of one study, log2, against its reference level.

    `activities` (level - 1, program), `own` (level - 1, gene) what no program explains, and `logfc`
    (level - 1, gene) = activities @ loadings + own: exactly 0 for a gene that does not change.
    """

    activities: Floats
    own: Floats
    logfc: Floats


def draw_effects(rng: np.random.Generator, universe: Universe, layout: Layout) -> Effects:
    """Draw what each level but the reference does."""
    programs = universe.programs
    n_tests = len(layout.perturbations)
    strength = np.exp(rng.normal(-0.1, STRENGTH_SD))
    curve = np.exp(rng.normal(0, 0.6, len(programs)))  # early and late responders
    signature: dict[str, Floats] = {}
    activities = np.zeros((n_tests, len(programs)))
    own = np.zeros((n_tests, len(universe.genes.ids)))
    for level, (name, dose) in enumerate(zip(layout.perturbations, layout.doses, strict=True)):
        if name not in signature:
            signature[name] = _draw_response(rng, universe, name)
        own_genes = rng.random(own.shape[1]) < OWN_GENE_SHARE
        own_values = rng.normal(0, OWN_GENE_SD, own.shape[1])
        if rng.random() < NO_EFFECT_SHARE:
            continue
        own[level] = np.where(own_genes, own_values, 0)
        activities[level] = strength * signature[name] * dose**curve
    scale = universe.settings.effect_size
    # Rounded, so that programs that cancel out leave exactly 0; adding 0 turns -0 into 0.
    activities = np.round(scale * activities, 3) + 0.0
    own = np.round(scale * own, 3) + 0.0
    return Effects(activities, own, np.round(activities @ programs.loadings + own, 6) + 0.0)


def _draw_response(rng: np.random.Generator, universe: Universe, name: str) -> Floats:
    """(program,) a perturbation's signature as this study shows it, and some programs of its own."""
    signature = universe.signatures[universe.perturbations.index(name)]
    jitter = np.exp(rng.normal(0, 0.3, len(signature)))
    own = draw_activities(rng, universe.programs, rng.poisson(OWN_PROGRAMS))
    response: Floats = signature * jitter + own
    return response


def draw_nuisance(rng: np.random.Generator, universe: Universe, layout: Layout) -> Floats:
    """(sample, gene) log2 shifts by the second variable or the batch; zeros without either."""
    shift = np.zeros((layout.n_samples, len(universe.genes.ids)))
    if layout.second is not None:
        activities = _draw_response(rng, universe, layout.second.levels[1])
        effect = SECOND_STRENGTH * (activities @ universe.programs.loadings)
        shift += np.outer(layout.second.codes, effect)
    if layout.batch is not None:
        effect = rng.normal(0, rng.uniform(*BATCH_SD), shift.shape[1])
        shift += np.outer(layout.batch.codes, effect)
    return shift

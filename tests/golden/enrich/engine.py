"""What this version of the enrichment answers, kept so that a change is noticed.

`python -m tests.golden.enrich.engine` writes it again, after ENRICH_VERSION has been bumped.
"""

from pathlib import Path

import numpy as np

from pipeline.enrich.annotation import make_annotation
from pipeline.enrich.annotation_files import parse_annotation
from pipeline.enrich.obo import parse_obo
from pipeline.enrich.ontology import Relations
from pipeline.enrich.settings import EnrichSettings
from pipeline.enrich.study import choose_candidates, enrich_study
from pipeline.enrich.term_axis import make_term_axis
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.terms import make_terms, to_gaf, to_obo
from pipeline.simulate.universe import make_universe
from pipeline.stages.enrich_study import ENRICH_VERSION

PATH = Path(__file__).parent / "engine.npz"
STEP = 3


def enrichment_numbers() -> dict[str, np.ndarray]:
    """Some numbers of every array, by name: two backgrounds, a contrast without a direction, ties."""
    universe = make_universe(SimulationSettings(n_genes=1500, n_programs=12, seed=5))
    terms = make_terms(universe)
    rows = parse_annotation(to_gaf(terms, universe), "simulated.gaf")
    ontology = parse_obo("".join(to_obo(terms)).splitlines(keepends=True), "simulated.obo")
    annotation = make_annotation(rows, ontology)
    axis = make_term_axis(
        annotation, ontology, Relations.all, tuple(map(str, universe.genes.symbols)), {}
    )
    rng = np.random.default_rng(6)
    t = rng.normal(size=(4, 1500)).round(3)
    t[:, terms.members[0]] += 3
    t[2:, ::9] = np.nan
    t[3] = np.round(t[3])
    settings = EnrichSettings(random_sets=200, seed=7)
    arbitrary = np.array([False, True, False, False])
    chosen = choose_candidates(t, np.abs(t) - 0.5, arbitrary, settings)
    found = enrich_study(axis, t, chosen, arbitrary, settings)
    return {name: array[..., ::STEP] for name, array in found.statistics.items()} | found.numbers


def read_enrichment_golden() -> tuple[int, dict[str, np.ndarray]]:
    with np.load(PATH) as kept:
        return int(kept["version"]), {name: kept[name] for name in kept if name != "version"}


if __name__ == "__main__":
    np.savez_compressed(PATH, version=ENRICH_VERSION, **enrichment_numbers())  # type: ignore[arg-type]

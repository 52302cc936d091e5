"""Simulated terms: every gene program as a term, among many that nothing was planted in."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.simulate.streams import UNIVERSE, Stream, make_generator
from pipeline.simulate.universe import Universe

Ints = npt.NDArray[np.int64]

DOMAINS = ("biological_process", "cellular_component", "molecular_function")
PROGRAMS_DOMAIN = 0
DECOYS_OF_PROGRAM = 8
KNOWN_SHARE = 0.85  # of a program's genes, those that the annotation knows
FALSE_SHARE = 0.1  # of a term's genes, those that do not belong
MEDIAN_DECOY_SIZE = 25
NESTED_SHARE = 0.6
DATE = "2026-01-01"


@dataclass(frozen=True, slots=True)
class SimulatedTerms:
    """Terms and their genes.

    Term i < number of programs is program i; then the decoys; the last ones are the roots of `DOMAINS`.
    `parents` (term,) is -1 for a root, `domain` (term,) points into `DOMAINS`, `members` are positions
    of genes in the gene list.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    domain: Ints
    parents: Ints
    members: tuple[Ints, ...]


def make_terms(universe: Universe) -> SimulatedTerms:
    """Draw the terms of a universe: the programs, imperfectly known, and decoys of the same genes."""
    rng = make_generator(universe.settings.seed, UNIVERSE, Stream.TERMS)
    programs = universe.programs
    coding = np.flatnonzero(universe.genes.biotypes == "protein_coding")
    members: list[Ints] = []
    for i in range(len(programs)):
        genes = programs.loadings[[i]].indices.astype(np.int64)
        known = genes[rng.random(len(genes)) < KNOWN_SHARE]
        members.append(_with_errors(rng, known, coding))
    n_decoys = DECOYS_OF_PROGRAM * len(programs)
    domain = np.concatenate(
        [np.full(len(programs), PROGRAMS_DOMAIN), rng.integers(0, len(DOMAINS), n_decoys)]
    )
    parents = [*programs.parents.tolist(), *(-1 for _ in range(n_decoys))]
    for i in range(len(programs), len(domain)):
        earlier = np.flatnonzero(domain[len(programs) : i] == domain[i]) + len(programs)
        if earlier.size and rng.random() < NESTED_SHARE:
            parents[i] = int(rng.choice(earlier))
        size = int(np.clip(MEDIAN_DECOY_SIZE * np.exp(rng.normal(0, 1.2)), 3, len(coding) // 8 + 3))
        members.append(np.sort(rng.choice(coding, min(size, len(coding)), replace=False)))
    root = len(domain) + np.arange(len(DOMAINS))
    under = np.where(np.array(parents) < 0, root[domain], parents)
    names = [f"program {i}" for i in range(len(programs))]
    names += [f"decoy {i}" for i in range(n_decoys)]
    return SimulatedTerms(
        ids=_ids(len(domain) + len(DOMAINS)),
        names=(*names, *DOMAINS),
        domain=np.concatenate([domain, np.arange(len(DOMAINS))]),
        parents=np.concatenate([under, np.full(len(DOMAINS), -1)]),
        members=(*members, *(np.empty(0, np.int64) for _ in DOMAINS)),
    )


def program_terms(n_programs: int) -> tuple[str, ...]:
    """Ids of the terms of the programs."""
    return _ids(n_programs)


def to_obo(terms: SimulatedTerms) -> Iterator[str]:
    """Lines of the ontology, as the Gene Ontology writes them."""
    yield "format-version: 1.2\n"
    yield f"data-version: simulated/{DATE}\n"
    yield "ontology: go\n"
    for i, term in enumerate(terms.ids):
        yield f"\n[Term]\nid: {term}\nname: {terms.names[i]}\nnamespace: {DOMAINS[terms.domain[i]]}\n"
        if terms.parents[i] >= 0:
            parent = int(terms.parents[i])
            yield f"is_a: {terms.ids[parent]} ! {terms.names[parent]}\n"


def to_gaf(terms: SimulatedTerms, universe: Universe) -> Iterator[str]:
    """Lines of the annotation, GAF 2.2, by symbol."""
    yield "!gaf-version: 2.2\n"
    yield f"!date-generated: {DATE}\n"
    genes = universe.genes
    relations = ("involved_in", "located_in", "enables")
    for i, term in enumerate(terms.ids):
        domain = int(terms.domain[i])
        for gene in terms.members[i]:
            cells = ["SIM", str(genes.ids[gene]), str(genes.symbols[gene]), relations[domain], term]
            cells += ["SIM:1", "IDA", "", "PCF"[domain], "", "", "protein", "taxon:10090"]
            yield "\t".join([*cells, DATE.replace("-", ""), "SIM", "", ""]) + "\n"


def _ids(n: int) -> tuple[str, ...]:
    return tuple(f"GO:{9_000_000 + i}" for i in range(n))


def _with_errors(rng: np.random.Generator, genes: Ints, coding: Ints) -> Ints:
    n_false = rng.binomial(len(genes), FALSE_SHARE)
    return np.union1d(genes, rng.choice(coding, min(n_false, len(coding)), replace=False))

"""Enrichment: CPU seconds on one core, against the bars of issue 5.

`python -m benchmarks.go [--simulated]` takes the ontology and annotation beside the goldens
(`../shared/golden/go`), for which the bars are; where they are absent, or with `--simulated`, a random
ontology with more terms, and some four times as many terms for each gene.
goatools and gseapy, where they are installed (the extra `bench`), are timed on the same list beside it.
"""

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from os import getloadavg
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.dea.arrays import Bools
from pipeline.enrich.annotation import Annotation, make_annotation
from pipeline.enrich.annotation_files import parse_annotation
from pipeline.enrich.background import Background, make_backgrounds
from pipeline.enrich.gene_sets import GeneSets, propagate
from pipeline.enrich.lines import read_lines
from pipeline.enrich.minima import random_minima
from pipeline.enrich.obo import parse_obo
from pipeline.enrich.one_list import ListTest
from pipeline.enrich.ontology import Ontology, Relations, Term, make_ontology
from pipeline.enrich.overlap import count_and_test
from pipeline.enrich.rank_sum import random_extremes, rank_sums
from pipeline.enrich.ranking import order_scores
from pipeline.enrich.settings import EnrichSettings
from pipeline.enrich.study import enrich_study
from pipeline.enrich.term_axis import make_term_axis

GOLDEN = Path(__file__).parents[1].parent / "shared" / "golden" / "go"
INSTALL = "python3 -m pip --python .venv install --constraint constraints.txt --editable '.[bench]'"
N_BACKGROUND = 15_000
BLOCK = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", action="store_true", help="a random ontology")
    arguments = parser.parse_args()
    simulated = arguments.simulated or not GOLDEN.is_dir()
    print(f"CPU seconds, warm, one core; {'simulated' if simulated else 'golden'} annotation")
    with threadpool_limits(limits=1, user_api="blas"):
        began = time.process_time()
        ontology, annotation = simulate() if simulated else _read()
        print(f"ontology and annotation read: {time.process_time() - began:.2f}")
        sets = propagate(annotation, ontology)
        _report("propagation", lambda: propagate(annotation, ontology))
        _bars(ontology, annotation, sets, judged=not simulated)
        # Before the peers, whose memory isn't ours.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"peak memory {peak:.2f} GiB")
        _peers(ontology, annotation, sets)
    print(f"load of the machine, 1 and 5 minutes: {getloadavg()[0]:.1f}, {getloadavg()[1]:.1f}")


def _bars(ontology: Ontology, annotation: Annotation, sets: GeneSets, *, judged: bool) -> None:
    raw_bar, null_bar, rank_bar = (2.5, 0.06, 5.0) if judged else (None, None, None)
    rng = np.random.default_rng(0)
    n_genes, n_domains = sets.n_genes, len(ontology.domains)
    everything = make_backgrounds(sets, np.ones(n_genes, np.bool_), n_domains)
    inside = np.zeros(n_genes, np.bool_)
    inside[rng.permutation(n_genes)[:N_BACKGROUND]] = True
    some = make_backgrounds(sets, inside, n_domains)
    print(f"{sum(b.terms.size for b in everything):,} terms, {len(annotation.genes):,} genes")
    print(f"{sum(b.terms.size for b in some):,} terms in a background of {N_BACKGROUND:,}")
    _report("backgrounds of a study", lambda: make_backgrounds(sets, inside, n_domains))
    # Sizes as differential expression gives them, log-uniform from 5 to 5,000.
    sizes = np.exp(rng.uniform(np.log(5), np.log(5000), 1000)).astype(int)
    masks = [_masks(rng, sizes[i : i + BLOCK], n_genes) for i in range(0, 1000, BLOCK)]
    _report("raw p, both tails, 1,000 contrasts", lambda: _test(everything, masks), raw_bar)
    for M in (5, 50, 100, 300, 750, 1500, 5000):
        _report(f"null, 1,000 sets, M = {M:,}", lambda M=M: _null(some, [M]), null_bar)  # type: ignore[misc]
    many = np.unique(np.exp(np.linspace(np.log(5), np.log(5000), 56)).astype(int)).tolist()
    _report(f"null, each of {len(many)} M", lambda: _null(some, many), null_bar, per=len(many))
    scores = [rng.normal(size=(BLOCK, n_genes)) for _ in range(1000 // BLOCK)]
    _report("rank sum, both tails, 1,000 contrasts", lambda: _rank(everything, scores), rank_bar)
    one = scores[0][:1]
    _report("rank sum's null, 1,000 sets, once a background", lambda: _rank_null(some, one))
    candidates = _masks(rng, sizes[:9], n_genes).reshape(3, 3, n_genes)
    settings = EnrichSettings()
    axis = make_term_axis(annotation, ontology, Relations.all, annotation.genes, {})
    t = np.where(inside, rng.normal(size=(3, n_genes)), np.nan)
    _report(
        "a study of 3 contrasts × 3 directions",
        lambda: enrich_study(axis, t, candidates, np.zeros(3, np.bool_), settings),
    )


def _test(backgrounds: Sequence[Background], masks: Sequence[Bools]) -> None:
    for mask in masks:
        for background in backgrounds:
            count_and_test(background, mask)


def _null(backgrounds: Sequence[Background], sizes: Sequence[int]) -> None:
    for background in backgrounds:
        random_minima(background, sizes, n_sets=1000, seed=1)


def _rank(backgrounds: Sequence[Background], scores: Sequence[Any]) -> None:
    for block in scores:
        order = order_scores(block)
        for background in backgrounds:
            rank_sums(background, order)


def _rank_null(backgrounds: Sequence[Background], scores: Any) -> None:
    order = order_scores(scores)
    for background in backgrounds:
        random_extremes(background, order, n_sets=1000, seed=1)


def _masks(rng: np.random.Generator, sizes: Any, n_genes: int) -> Bools:
    masks = np.zeros((len(sizes), n_genes), np.bool_)
    for mask, size in zip(masks, sizes, strict=True):
        mask[rng.choice(n_genes, size, replace=False)] = True
    return masks


def _report(name: str, run: Callable[[], object], bar: float | None = None, per: int = 1) -> None:
    run()
    times = []
    for _ in range(3):
        began = time.process_time()
        run()
        times.append((time.process_time() - began) / per)
    verdict = "" if bar is None else f"  bar {bar:g}: {'met' if min(times) <= bar else 'MISSED'}"
    print(f"{name:50}{min(times):8.3f}{verdict}", flush=True)


def _read() -> tuple[Ontology, Annotation]:
    ontology = parse_obo(read_lines(GOLDEN / "go-2021-05-01.obo.gz"), "go.obo")
    rows = parse_annotation(read_lines(GOLDEN / "annotation.tsv.gz"), "annotation.tsv")
    return ontology, make_annotation(rows, ontology)


def simulate() -> tuple[Ontology, Annotation]:
    """An ontology that grows, and genes with some 12 terms each, most of them special ones."""
    rng = np.random.default_rng(0)
    n_terms, n_genes = 44_000, 31_910
    domain = rng.choice(3, n_terms, p=(0.66, 0.1, 0.24))
    domain[:3] = 0, 1, 2
    terms, mine = [], [list[int]() for _ in range(3)]
    for i, d in enumerate(domain.tolist()):
        n = len(mine[d])
        chosen = (
            {mine[d][int(n * rng.random() ** 1.5)] for _ in range(1 + int(rng.random() < 0.6))}
            if n
            else set()
        )
        parents = tuple(("is_a", f"GO:{j:07}") for j in sorted(chosen))
        terms.append(Term(id=f"GO:{i:07}", name=f"term {i}", domain="abc"[d], parents=parents))
        mine[d].append(i)
    ontology = make_ontology(terms, source="simulated")
    popular = rng.permutation(n_terms)[:18_000]
    pairs = np.column_stack(
        [
            rng.integers(0, n_genes, 370_000),
            popular[(18_000 * rng.random(370_000) ** 2).astype(int)],
        ]
    )
    pairs = np.unique(pairs, axis=0).astype(np.int32)
    genes = tuple(f"g{i:05}" for i in range(n_genes))
    return ontology, Annotation(genes, pairs[:, 0].copy(), pairs[:, 1].copy(), {})


def _peers(ontology: Ontology, annotation: Annotation, sets: GeneSets) -> None:
    """One list of 500 against all terms after propagation, so that the peers do only the test."""
    rng = np.random.default_rng(1)
    everyone = np.ones(sets.n_genes, np.bool_)
    candidates = _masks(rng, [500], sets.n_genes)
    test = ListTest(ontology=ontology, sets=sets, n_sets=1000)
    name = "one list: p, both tails, and 1,000 random sets"
    _report(name, lambda: test.test_list(everyone, candidates[0]))
    background = make_backgrounds(sets, everyone, len(ontology.domains))
    _report("one list: p alone", lambda: _test(background, [candidates]))
    chosen = [annotation.genes[i] for i in np.flatnonzero(candidates[0])]
    terms_of = {
        gene: {ontology.ids[t] for t in sets.terms[sets.start[i] : sets.start[i + 1]]}
        for i, gene in enumerate(annotation.genes)
    }
    if find_spec("goatools"):
        _report(
            "goatools, the same list", lambda: _goatools(ontology, annotation, terms_of, chosen)
        )
    if find_spec("gseapy"):
        members: dict[str, list[str]] = {}
        for gene, terms in terms_of.items():
            for term in terms:
                members.setdefault(term, []).append(gene)
        _report("gseapy, the same list", lambda: _gseapy(members, list(annotation.genes), chosen))
    absent = [peer for peer in ("goatools", "gseapy") if not find_spec(peer)]
    if absent:
        print(f"not timed, because not installed: {', '.join(absent)}; to install: {INSTALL}")


def _goatools(
    ontology: Ontology, annotation: Annotation, terms_of: dict[str, set[str]], chosen: list[str]
) -> None:
    GOEnrichmentStudy = import_module("goatools.go_enrichment").GOEnrichmentStudy
    graph = {term: _GoatoolsTerm(term) for term in ontology.ids}
    study = GOEnrichmentStudy(
        annotation.genes,
        terms_of,
        graph,
        propagate_counts=False,
        methods=["bonferroni"],
        log=None,
    )
    study.run_study(chosen, prt=None)


def _gseapy(members: dict[str, list[str]], everyone: list[str], chosen: list[str]) -> None:
    enrich = import_module("gseapy").enrich
    enrich(gene_list=chosen, gene_sets=members, background=everyone, outdir=None)


class _GoatoolsTerm:
    """What goatools asks of a term."""

    def __init__(self, item_id: str) -> None:
        self.id = self.item_id = self.name = item_id
        self.namespace, self.level, self.depth, self.is_obsolete = "BP", 1, 1, False


if __name__ == "__main__":
    main()

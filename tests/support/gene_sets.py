"""Gene sets of one domain from tables, random ones, and the smallest p of random sets by testing all."""

import numpy as np

from pipeline.dea.arrays import Bools, Floats
from pipeline.enrich.background import Background, make_backgrounds
from pipeline.enrich.bit_counts import LANES, SETS
from pipeline.enrich.gene_sets import GeneSets
from pipeline.enrich.overlap import count_and_test
from pipeline.enrich.random_sets import RandomSets


def sets_of(table: Bools) -> GeneSets:
    """Gene sets of one domain from a table (gene, term)."""
    start = np.concatenate([[0], np.cumsum(table.sum(axis=1))])
    return GeneSets(start, np.nonzero(table)[1].astype(np.int32), np.zeros(table.shape[1], np.int8))


def random_table(seed: int, n_genes: int, n_terms: int) -> Bools:
    """Terms of all sizes, the last one with all genes."""
    rng = np.random.default_rng(seed)
    table = rng.random((n_genes, n_terms)) < rng.random(n_terms) ** 3
    table[:, -1] = True
    return table


def nested_table(seed: int, n_genes: int, n_terms: int) -> Bools:
    """Terms as an ontology has them: most are small, and the larger ones are made of smaller ones."""
    rng = np.random.default_rng(seed)
    table = np.zeros((n_genes, n_terms), np.bool_)
    for t in range(n_terms):
        table[rng.integers(0, n_genes, int(1 / rng.random() ** 0.5)), t] = True
        if t > n_terms // 3:
            table[:, t] |= table[:, rng.integers(0, t, rng.integers(0, 12))].any(axis=1)
    return table


def background_of(table: Bools) -> Background:
    return make_backgrounds(sets_of(table), np.ones(table.shape[0], np.bool_), 1)[0]


def random_candidates(seed: int, M: int, shape: tuple[int, int]) -> Bools:
    rng = np.random.default_rng(seed)
    chosen = np.zeros(shape, np.bool_)
    for row in chosen:
        row[rng.permutation(shape[1])[:M]] = True
    return chosen


def unpacked(sets: RandomSets) -> Bools:
    """(random set, gene)."""
    blocks = [sets.bits(first).reshape(-1, LANES) for first in range(0, sets.n_sets, SETS)]
    words = np.concatenate(blocks, axis=1)
    shifts = np.arange(64, dtype=np.uint64)[:, None]
    bits = (words.T[:, None] >> shifts) & np.uint64(1)
    return bits.reshape(-1, words.shape[0])[: sets.n_sets, : sets.n_genes].astype(np.bool_)


def minima_of_all_tests(
    background: Background, M: int, *, n_sets: int, seed: int
) -> tuple[Floats, Floats]:
    """What `random_minima` finds, under and over, by testing every term of every set."""
    sets = RandomSets(background.n_genes, n_sets, seed)
    sets.grow(M)
    on_axis = np.zeros((n_sets, background.genes.max() + 1), np.bool_)
    on_axis[:, background.genes] = unpacked(sets)
    under, over = [], []
    for first in range(0, n_sets, 100):
        tests = count_and_test(background, on_axis[first : first + 100])
        under.append(tests.log_under.min(axis=1))
        over.append(tests.log_over.min(axis=1))
    return np.sort(np.concatenate(under)), np.sort(np.concatenate(over))

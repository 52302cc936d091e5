"""The background of one domain: its annotated genes, and its terms by size."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numba import njit

from pipeline.dea.arrays import Bools, Ints
from pipeline.enrich.arrays import Int32s
from pipeline.enrich.gene_sets import GeneSets


@dataclass(frozen=True, slots=True)
class Background:
    """Genes of a background that have a term in one domain, and those terms, smallest first.

    Parameters
    ----------
    genes, terms
        (N,) and (term,) numbers on the axes of the gene sets, `genes` ascending.
    size
        (term,) how many of the genes have it (K), ascending, at least 1.
    start, members
        `members[start[t] : start[t + 1]]` are a term's genes, as numbers in `genes`, ascending.
    gene_start, gene_terms
        The same the other way round: a gene's terms, as numbers in `terms`, ascending.
    """

    genes: Ints
    terms: Int32s
    size: Int32s
    start: Ints
    members: Int32s
    gene_start: Ints
    gene_terms: Int32s

    @property
    def n_genes(self) -> int:
        """N: annotated genes of the background in this domain."""
        return self.genes.size

    def seed(self, *key: object) -> int:
        """128 bits that depend on what the background is and on `key`, and on nothing else."""
        digest = sha256("\0".join(map(str, key)).encode())
        for array in (self.terms, self.start, self.members):
            digest.update(np.ascontiguousarray(array).data)
        return int.from_bytes(digest.digest()[:16], "little")


def make_backgrounds(sets: GeneSets, is_background: Bools, n_domains: int) -> list[Background]:
    """One background for each domain, of the genes where `is_background` (gene,)."""
    return [_make_background(sets, is_background, d) for d in range(n_domains)]


def _make_background(sets: GeneSets, is_background: Bools, domain: int) -> Background:
    n_terms = np.zeros(sets.n_genes, np.int64)
    size = np.zeros(sets.n_terms, np.int64)
    picked = _pick(sets.start, sets.terms, is_background, sets.domain_of == domain, n_terms, size)
    genes, used = np.flatnonzero(n_terms), np.flatnonzero(size)
    terms = used[np.argsort(size[used], kind="stable")].astype(np.int32)
    place = np.zeros(sets.n_terms, np.int32)
    place[terms] = np.arange(terms.size)
    gene_start = np.concatenate([[0], np.cumsum(n_terms[genes])])
    start, members = _transpose(gene_start, place[picked], terms.size)
    return Background(
        genes=genes,
        terms=terms,
        size=size[terms].astype(np.int32),
        start=start,
        members=members,
        gene_start=gene_start,
        gene_terms=_transpose(start, members, genes.size)[1],
    )


@njit(cache=True)  # type: ignore[untyped-decorator]
def _pick(
    start: Ints, terms: Int32s, is_background: Bools, is_mine: Bools, n_terms: Ints, size: Ints
) -> Int32s:
    """Terms of one domain of each gene of the background; into the last two, how many of each."""
    picked = np.empty(terms.size, np.int32)
    n = 0
    for gene in range(is_background.size):
        if is_background[gene]:
            before = n
            for term in terms[start[gene] : start[gene + 1]]:
                picked[n] = term
                n += is_mine[term]
                size[term] += is_mine[term]
            n_terms[gene] = n - before
    return picked[:n]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _transpose(start: Ints, columns: Int32s, n_columns: int) -> tuple[Ints, Int32s]:
    """Rows of each column, ascending, of a sparse table with the columns of each row."""
    new_start = np.zeros(n_columns + 1, np.int64)
    for column in columns:
        new_start[column + 1] += 1
    for column in range(n_columns):
        new_start[column + 1] += new_start[column]
    place = new_start[:-1].copy()
    rows = np.empty(columns.size, np.int32)
    for row in range(start.size - 1):
        for k in range(start[row], start[row + 1]):
            rows[place[columns[k]]] = row
            place[columns[k]] += 1
    return new_start, rows

"""The ontology: terms, their domains, and the edges that genes are carried along."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

import numpy as np

from pipeline.enrich.arrays import Int8s, Int32s
from storage.errors import InputError

RELATIONS = ("is_a", "part_of", "regulates", "negatively_regulates", "positively_regulates")


class Relations(StrEnum):
    """Edges along which a term's genes are also its parents': GOfuncR's five, or the safe two."""

    all = "all"
    is_a_part_of = "is_a_part_of"

    @property
    def names(self) -> tuple[str, ...]:
        """The relations that are followed."""
        return RELATIONS if self is Relations.all else RELATIONS[:2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One live term as its file describes it; `parents` are (relation, id)."""

    id: str
    name: str
    domain: str
    parents: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ontology:
    """Live terms, sorted by id, and the edges within a domain.

    Parameters
    ----------
    ids, names
        (term,) ids and names.
    domains
        (domain,) names, sorted; `domain_of` (term,) points into it.
    child, parent, relation
        (edge,) terms and the number in `RELATIONS`.
    moved
        Alternative ids, and obsolete ids with one replacement, to the live id.
    obsolete
        Ids that are no longer used.
    version
        What the file says it is.
    dropped
        Edges left out, by reason.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    domains: tuple[str, ...]
    domain_of: Int8s
    child: Int32s
    parent: Int32s
    relation: Int8s
    moved: Mapping[str, str] = field(default_factory=dict)
    obsolete: frozenset[str] = frozenset()
    version: str = ""
    dropped: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def place(self) -> dict[str, int]:
        """Number of each id."""
        return {name: i for i, name in enumerate(self.ids)}

    def edges(self, relations: Relations = Relations.all) -> tuple[Int32s, Int32s]:
        """Children and parents of the edges of some relations."""
        kept = self.relation < len(relations.names)
        return self.child[kept], self.parent[kept]


def make_ontology(
    terms: Iterable[Term],
    *,
    source: str,
    moved: Mapping[str, str] | None = None,
    obsolete: frozenset[str] = frozenset(),
    version: str = "",
) -> Ontology:
    """Number the terms and keep the edges of the five relations that stay in their domain.

    Parameters
    ----------
    source
        Name of the file, for messages.

    Raises
    ------
    InputError
        An id comes twice, a parent is missing, or the edges go round in a circle.
    """
    ordered = sorted(terms, key=lambda term: term.id)
    place = {term.id: i for i, term in enumerate(ordered)}
    if len(place) < len(ordered):
        twice = next(a.id for a, b in pairwise(ordered) if a.id == b.id)
        raise InputError(f"{source} has term {twice} twice; download it again")
    domains = tuple(sorted({term.domain for term in ordered}))
    if len(domains) > np.iinfo(np.int8).max:
        raise InputError(f"{source} has {len(domains)} namespaces; is it an ontology of genes?")
    moved = _follow(moved or {}, place)
    edges, dropped = _keep_edges(ordered, place, moved, obsolete, source)
    ontology = Ontology(
        ids=tuple(place),
        names=tuple(term.name for term in ordered),
        domains=domains,
        domain_of=np.array([domains.index(term.domain) for term in ordered], np.int8),
        child=np.array([child for child, _, _ in edges], np.int32),
        parent=np.array([parent for _, parent, _ in edges], np.int32),
        relation=np.array([relation for _, _, relation in edges], np.int8),
        moved=moved,
        obsolete=obsolete,
        version=version,
        dropped=dropped,
    )
    _check_no_circle(ontology, source)
    return ontology


def make_flat_ontology(names: Mapping[str, str], domain: str) -> Ontology:
    """Gene sets without edges, as of a GMT file: {id: name}."""
    terms = (Term(id=id_, name=name, domain=domain) for id_, name in names.items())
    return make_ontology(terms, source=domain)


def _follow(moved: Mapping[str, str], place: Mapping[str, int]) -> dict[str, str]:
    """Each id that leads to a live term, and that term: an id may have moved several times."""
    ends = {}
    for old in moved.keys() - place.keys():
        end, passed = old, {old}
        while end not in place and (end := moved.get(end, end)) not in passed:
            passed.add(end)
        if end in place:
            ends[old] = end
    return dict(sorted(ends.items()))


def _keep_edges(
    terms: Sequence[Term],
    place: Mapping[str, int],
    moved: Mapping[str, str],
    obsolete: frozenset[str],
    source: str,
) -> tuple[list[tuple[int, int, int]], dict[str, int]]:
    """(child, parent, relation) of what is kept, and how many were not, by reason."""
    edges: set[tuple[int, int, int]] = set()
    dropped: dict[str, int] = {}
    for child, term in enumerate(terms):
        for relation, target in term.parents:
            parent = place.get(moved.get(target, target))
            if relation not in RELATIONS:
                reason = f"relation {relation}"
            elif parent is None and target in obsolete:
                reason = "obsolete parent"
            elif parent is None:
                raise InputError(
                    f"{source} names {target}, {relation} of {term.id}, but does not have it: "
                    "the file is truncated or a part; download it whole"
                )
            elif terms[parent].domain != term.domain:
                reason = "across domains"
            else:
                edges.add((child, parent, RELATIONS.index(relation)))
                continue
            dropped[reason] = dropped.get(reason, 0) + 1
    return sorted(edges), dropped


def _check_no_circle(ontology: Ontology, source: str) -> None:
    """Take away terms without children left, again and again: what stays is on or above a circle."""
    n = len(ontology.ids)
    parents: list[list[int]] = [[] for _ in range(n)]
    n_children = [0] * n
    for child, parent in zip(ontology.child.tolist(), ontology.parent.tolist(), strict=True):
        parents[child].append(parent)
        n_children[parent] += 1
    free = [term for term in range(n) if n_children[term] == 0]
    n_left = n
    while free:
        n_left -= 1
        for parent in parents[free.pop()]:
            n_children[parent] -= 1
            if n_children[parent] == 0:
                free.append(parent)
    if n_left == 0:
        return
    edges = zip(ontology.parent.tolist(), ontology.child.tolist(), strict=True)
    children = {parent: child for parent, child in edges if n_children[child] > 0}
    # Every term left has a child left, so going down ends in a circle.
    walk = [next(iter(children))]
    while children[walk[-1]] not in walk:
        walk.append(children[walk[-1]])
    circle = walk[walk.index(children[walk[-1]]) :]
    names = " → ".join(ontology.ids[term] for term in [*circle[::-1], circle[-1]])
    raise InputError(f"{source} goes round in a circle: {names}; mend it or take a release")

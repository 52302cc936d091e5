"""The conventions of contrasts: one factor varies, all else is equal, and a group has two samples."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from pipeline.simulate.metadata.answer import Contrast, Samples, Truth
from pipeline.simulate.metadata.levels import Levels

Cell = tuple[int, ...]
RESIDUAL_DF = 3  # what a covariate or block must leave


def groups_of(
    names: Sequence[str], cells: Sequence[Cell], smallest: int = 2
) -> dict[Cell, Samples]:
    """Samples of each crossing of levels that has enough of them."""
    members = defaultdict(set)
    for name, cell in zip(names, cells, strict=True):
        members[cell].add(name)
    return {cell: frozenset(m) for cell, m in members.items() if len(m) >= smallest}


def simple_contrasts(
    groups: dict[Cell, Samples],
    factors: Sequence[Levels],
    *,
    between_strata: bool = False,
    by_title: bool = False,
) -> frozenset[Contrast]:
    """Every simple contrast of every factor, within each combination of the others.

    Strata are compared only when asked, or when there is nothing else to compare. A factor without a
    reference is compared with its first level in natural order, by its cells, or by its short forms.
    """
    found: set[Contrast] = set()
    only_strata = all(f.stratum for f in factors)
    for axis, factor in enumerate(factors):
        if factor.stratum and not (only_strata or between_strata):
            continue
        hub = factor.title_hub if by_title else factor.hub
        strips: dict[Cell, dict[int, Samples]] = defaultdict(dict)
        for cell, members in groups.items():
            strips[cell[:axis] + cell[axis + 1 :]][cell[axis]] = members
        for strip in strips.values():
            if hub in strip:
                others = (m for level, m in strip.items() if level != hub)
                found |= {Contrast(m, strip[hub], factor.directed) for m in others}
    return frozenset(found)


def truth_of(contrasts: Iterable[Contrast]) -> Truth:
    """The answer that has these contrasts, and the groups that they compare."""
    chosen = frozenset(contrasts)
    return Truth(contrasts=chosen, groups=frozenset(side for c in chosen for side in c[:2]))


def crossed_truth(names: Sequence[str], cells: Sequence[Cell], factors: Sequence[Levels]) -> Truth:
    """The answer of crossed factors; also right: the other natural order, and strata compared."""
    groups = groups_of(names, cells)
    answers = []
    for between in (False, True):
        for by_title in (False, True):
            answer = truth_of(
                simple_contrasts(groups, factors, between_strata=between, by_title=by_title)
            )
            if answer not in answers:
                answers.append(answer)
    return accepting(answers[0], *answers[1:])


def accepting(truth: Truth, *others: Truth) -> Truth:
    """The first answer, with the others beside it."""
    beside = [a for other in others for a in (replace(other, acceptable=()), *other.acceptable)]
    return replace(truth, acceptable=(*truth.acceptable, *beside))


def refusal(*codes: str) -> Truth:
    """The answer that the study must be refused, with one of these codes."""
    return Truth(refused=frozenset(codes))


def all_pairs(groups: Iterable[Samples]) -> frozenset[Contrast]:
    """Every two groups, in no direction."""
    ordered = sorted(groups, key=sorted)
    return frozenset(Contrast(a, b, False) for a, b in combinations(ordered, 2))


def enters(groups: Sequence[Cell], nuisance: Sequence[Sequence[str]]) -> bool:
    """Whether these columns can stand in the model beside the groups: full rank, and enough left over."""
    design = [_dummies(list(groups))]
    design += [_dummies(list(column))[:, 1:] for column in nuisance]
    matrix = np.hstack(design)
    n, width = matrix.shape
    return bool(n - width >= RESIDUAL_DF and np.linalg.matrix_rank(matrix) == width)


def _dummies(labels: Sequence[object]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(sample, level) indicator matrix."""
    levels = list(dict.fromkeys(labels))
    return np.array([[float(label == level) for level in levels] for label in labels])

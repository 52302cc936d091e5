"""What a study's comparison is, told by sets of samples, so that no naming of groups can matter."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

Samples = frozenset[str]


class Contrast(NamedTuple):
    """Two groups of samples; where `directed` is False, either side may be the reference."""

    test: Samples
    reference: Samples
    directed: bool


def _meets(given: Contrast, wanted: Contrast) -> bool:
    """Whether a given contrast is the wanted one; a wanted direction must be known, not guessed."""
    if wanted.directed:
        return given == wanted
    return {given.test, given.reference} == {wanted.test, wanted.reference}


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """One right answer, and the others that an expert would accept as well.

    `refused` has the reason codes that are right where the study must be refused; then there are no groups
    and no contrasts. `groups` are the groups that the contrasts compare. Samples that are to be merged
    (technical replicates) all stand in their group. `covariates` must be in the model, `optional` may be; a
    column that is in neither must not be. A column that tells the blocks (subjects) stands in `blocks` where
    it must be used.
    """

    refused: frozenset[str] = frozenset()
    groups: frozenset[Samples] = frozenset()
    contrasts: frozenset[Contrast] = frozenset()
    covariates: frozenset[str] = frozenset()
    blocks: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    acceptable: tuple["Truth", ...] = ()

    @property
    def alternatives(self) -> tuple["Truth", ...]:
        """This answer and those beside it."""
        return (self, *self.acceptable)

    def accepts_refusal(self, code: str) -> bool:
        """Whether a refusal with this reason code is right."""
        return any(code in answer.refused for answer in self.alternatives)

    def accepts_groups(self, groups: Iterable[Samples]) -> bool:
        """Whether these are the groups that the contrasts should compare."""
        given = frozenset(groups)
        return any(given == answer.groups for answer in self.alternatives if answer.groups)

    def accepts(self, contrasts: Iterable[Contrast]) -> bool:
        """Whether these contrasts, no more and no fewer, are one of the right answers."""
        given = list(contrasts)
        return bool(given) and any(_same(given, answer.contrasts) for answer in self.alternatives)

    def allows(self, contrast: Contrast) -> bool:
        """Whether this one contrast is in any of the right answers."""
        return any(_meets(contrast, c) for answer in self.alternatives for c in answer.contrasts)

    def accepts_model(self, columns: Iterable[str]) -> bool:
        """Whether a model with these covariates and blocks is right for one of the answers.

        A subject is as well a covariate (fixed) as a block (correlated), so the two are not told apart.
        """
        inside = set(columns)
        needed = [answer.covariates | answer.blocks for answer in self.alternatives]
        allowed = [n | a.optional for n, a in zip(needed, self.alternatives, strict=True)]
        return any(n <= inside <= a for n, a in zip(needed, allowed, strict=True))


def _same(given: list[Contrast], wanted: frozenset[Contrast]) -> bool:
    """Whether the given contrasts are the wanted ones, each once."""
    if len(given) != len(wanted):
        return False
    return all(any(_meets(g, w) for g in given) for w in wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A sample table, its truth, and the samples of another species or assay, which no group contains."""

    table: pd.DataFrame
    truth: Truth
    excluded: Samples = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedMetadata:
    """Study `number` of `seed`: what a template made of it."""

    seed: int
    number: int
    template: str
    table: pd.DataFrame
    truth: Truth
    excluded: Samples = frozenset()

"""What a study's curation may say: contrasts that must be found, that may be given, that are wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.simulate.metadata.answer import Contrast, Samples


class Verdict(StrEnum):
    """What a contrast that a curation gave is worth."""

    ESSENTIAL = "essential"  # one that must be found
    ACCEPTABLE = "acceptable"  # an expert would let it stand
    REVERSED = "reversed"  # the sides the wrong way round: a wrong reference
    MIXED = "mixed"  # two factors differ between the sides
    WRONG = "wrong"  # named as wrong
    UNLISTED = (
        "unlisted"  # none of these: not acceptable, unless a person finds that the table has a gap
    )


# A contrast by the names of its groups: test, reference; a third "?" where either side may be the reference.
Named = tuple[str, str] | tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class ExpectedStudy:
    """One real study. A group's name has the levels of the factors with dots between.

    Samples have the names of the count table's columns; where there is none, of the metadata. `aliases` has
    the other names that they go by (GEO accessions, rows of a sample table).
    """

    study: str
    metadata: str
    words: str  # what is acceptable, in words
    groups: Mapping[str, str]  # group: its samples, blank-separated
    essential: tuple[
        Named, ...
    ]  # the authors' own, or an expert's; within the conventions of contrasts
    instead: tuple[tuple[Named, ...], ...] = ()  # other sets that count as having found them all
    beyond: tuple[
        Named, ...
    ] = ()  # the authors' own that need "all pairs", or compare strata: acceptable
    acceptable: tuple[Named, ...] = ()
    wrong: tuple[tuple[str, str], ...] = ()  # besides reversed and mixed ones
    refusals: frozenset[str] = (
        frozenset()
    )  # reason codes that are right, or as right as the contrasts
    covariates: frozenset[str] = frozenset()  # should be in the model
    blocks: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()  # may be in the model
    aliases: Mapping[str, str] = field(default_factory=dict)  # another name: the name used here

    def samples(self, group: str) -> Samples:
        """The samples of a group."""
        return frozenset(self.groups[group].split())

    def contrast(self, named: Named) -> Contrast:
        """A named contrast, by its samples."""
        return Contrast(self.samples(named[0]), self.samples(named[1]), len(named) == 2)

    def found(self, given: list[Contrast]) -> list[bool]:
        """For each essential contrast, whether it is among those given."""
        verdicts = [any(meets(g, self.contrast(n)) for g in given) for n in self.essential]
        for other in self.instead:
            if all(any(meets(g, self.contrast(n)) for g in given) for n in other):
                return [True] * len(verdicts)
        return verdicts

    def verdict(self, given: Contrast) -> Verdict:
        """What a given contrast is worth.

        One that claims no direction may turn an acceptable contrast round, but not an essential one.
        """
        allowed = [(n, Verdict.ESSENTIAL) for n in self.essential]
        allowed += [(n, Verdict.ACCEPTABLE) for o in self.instead for n in o]
        allowed += [(n, Verdict.ACCEPTABLE) for n in (*self.beyond, *self.acceptable)]
        for named, verdict in allowed:
            wanted = self.contrast(named)
            if verdict is Verdict.ACCEPTABLE and not given.directed:
                wanted = wanted._replace(directed=False)
            if meets(given, wanted):
                return verdict
        turned = Contrast(given.reference, given.test, True)
        if any(meets(turned, self.contrast(n)) for n, _ in allowed):
            return Verdict.REVERSED
        sides = {given.test, given.reference}
        if any({self.samples(a), self.samples(b)} == sides for a, b in self.wrong):
            return Verdict.WRONG
        names = [n for n in self.groups if self.samples(n) in sides]
        levels = [n.split(".") for n in names]
        if len(levels) == 2 and len(levels[0]) == len(levels[1]):
            differing = sum(a != b for a, b in zip(*levels, strict=True))
            return Verdict.MIXED if differing > 1 else Verdict.UNLISTED
        return Verdict.UNLISTED


def meets(given: Contrast, wanted: Contrast) -> bool:
    """Whether a given contrast has the wanted sides, the right way round if that matters."""
    if wanted.directed:
        return given[:2] == wanted[:2]
    return {given.test, given.reference} == {wanted.test, wanted.reference}

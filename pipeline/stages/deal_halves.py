"""The halves of one prepared study: counts and designs of both, and why a contrast has none."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.dea.design import Contrast, Design
from pipeline.prepare.halves import deal, thin
from pipeline.stages.prepare import Prepared
from storage.halves_schema import REPLICATE, THINNED

# Samples that both groups of a contrast need, so that each half has two of each.
MIN_SAMPLES = 4
MIN_IN_HALF = 2

FEW_REPLICATES = "few_replicates"
HALF_NOT_ESTIMABLE = "half_not_estimable"
CONFOUNDED = "confounded"

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class TwoHalves:
    """What to analyse: (sample, gene) counts and design of each half, and the contrasts that both can tell.

    `left_out` maps the number of each other contrast to the code and the sentence of why. Without contrasts
    there are no halves.
    """

    contrasts: tuple[int, ...]
    left_out: dict[int, tuple[str, str]]
    halves: tuple[tuple[Counts, Design], ...] = field(repr=False, default=())


def make_thinned(
    prepared: Prepared, contrasts: Sequence[Contrast], rng: np.random.Generator
) -> TwoHalves:
    """The same samples twice, each with about half of its reads."""
    design = prepared.make_design()
    left_out = _confounded(design, contrasts)
    kept = tuple(i for i in range(len(contrasts)) if i not in left_out)
    halves = tuple((counts, design) for counts in thin(prepared.counts, rng)) if kept else ()
    return TwoHalves(contrasts=kept, left_out=left_out, halves=halves)


def make_replicates(
    prepared: Prepared, contrasts: Sequence[Contrast], rng: np.random.Generator
) -> TwoHalves:
    """Other samples in each half, of the groups that have enough; all reads of each."""
    curation = prepared.curation
    left_out = _confounded(prepared.make_design(), contrasts)
    left_out |= _too_few(Counter(curation.groups[name] for name in prepared.samples), contrasts)
    wanted = [i for i in range(len(contrasts)) if i not in left_out]
    if not wanted:
        return TwoHalves(contrasts=(), left_out=left_out)
    groups = {level for i in wanted for level in (contrasts[i].test, contrasts[i].reference)}
    rows = [i for i, name in enumerate(prepared.samples) if curation.groups[name] in groups]
    names = [prepared.samples[i] for i in rows]
    strata = [
        (curation.groups[name], *(levels[name] for levels in curation.covariates.values()))
        for name in names
    ]
    block = [curation.block[name] for name in names] if curation.block else None
    first = deal(strata, block, rng)
    chosen = [[i for i, mine in zip(rows, side, strict=True) if mine] for side in (first, ~first)]
    for half in chosen:
        left_out |= _not_estimable(prepared, [prepared.samples[i] for i in half], contrasts, wanted)
    kept = tuple(i for i in wanted if i not in left_out)
    if not kept:
        return TwoHalves(contrasts=(), left_out=left_out)
    return TwoHalves(
        contrasts=kept,
        left_out=left_out,
        halves=tuple(
            (prepared.counts[half], prepared.make_design([prepared.samples[i] for i in half]))
            for half in chosen
        ),
    )


MAKE: dict[str, Callable[[Prepared, Sequence[Contrast], np.random.Generator], TwoHalves]] = {
    REPLICATE: make_replicates,
    THINNED: make_thinned,
}


def generator_of(study: str, kind: str) -> np.random.Generator:
    """The random numbers of a study's halves of a kind: the same wherever and whenever they are made."""
    seed = hashlib.sha256(f"halves/{kind}/{study}".encode()).digest()
    return np.random.default_rng(list(seed))


def _confounded(design: Design, contrasts: Sequence[Contrast]) -> dict[int, tuple[str, str]]:
    return {
        i: (CONFOUNDED, f"the study itself can't tell {contrast.name} from a covariate")
        for i, contrast in enumerate(contrasts)
        if not design.is_estimable(contrast)
    }


def _too_few(sizes: Counter[str], contrasts: Sequence[Contrast]) -> dict[int, tuple[str, str]]:
    found = {}
    for i, contrast in enumerate(contrasts):
        group = min((contrast.test, contrast.reference), key=lambda level: sizes[level])
        if sizes[group] < MIN_SAMPLES:
            told = f"{group} has {sizes[group]} samples, {MIN_SAMPLES} are needed in both groups"
            found[i] = (FEW_REPLICATES, told)
    return found


def _not_estimable(
    prepared: Prepared, names: Sequence[str], contrasts: Sequence[Contrast], wanted: Sequence[int]
) -> dict[int, tuple[str, str]]:
    """The wanted contrasts that a half of these samples can't tell, or not with a standard error."""
    sizes = Counter(prepared.curation.groups[name] for name in names)
    small = {
        i: f"a half has {sizes[level]} samples of {level}: the others share its subjects"
        for i in wanted
        for level in (contrasts[i].test, contrasts[i].reference)
        if sizes[level] < MIN_IN_HALF
    }
    found = {i: (HALF_NOT_ESTIMABLE, told) for i, told in small.items()}
    if len(found) == len(wanted):
        return found
    design = prepared.make_design(names)
    for i in wanted:
        if design.df_residual < 1:
            told = f"a half has {design.n_samples} samples for {design.rank} coefficients"
            found[i] = (HALF_NOT_ESTIMABLE, told)
        elif i not in found and not design.is_estimable(contrasts[i]):
            told = f"a half can't tell {contrasts[i].name} from a covariate"
            found[i] = (HALF_NOT_ESTIMABLE, told)
    return found

"""Factors that are something done to the animal or the cells."""

from collections.abc import Sequence
from typing import Protocol

from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels import Levels, make_levels
from pipeline.simulate.metadata.words_biology import GENES
from pipeline.simulate.metadata.words_treatment import (
    DOSES,
    DRUG_CONTROLS,
    DRUGS,
    INFECTION_CONTROLS,
    INFECTIONS,
    INJURIES,
    INJURY_CONTROLS,
    KNOCKDOWN_CONTROLS,
    STIMULI,
    STIMULUS_CONTROLS,
)


class Maker(Protocol):
    """Makes a control and n - 1 other levels."""

    def __call__(self, draw: Draw, n: int = 2, /) -> Levels:
        """Draw them."""


def drug(draw: Draw, n: int = 2) -> Levels:
    """A control and n - 1 drugs, perhaps with their dose."""
    names = draw.some(DRUGS, n - 1)
    dose = draw.pick(DOSES)
    pairs = [draw.pick(DRUG_CONTROLS)]
    pairs += [(name + dose, name[: draw.pick((4, 6, 30))].rstrip("-")) for name in names]
    return make_levels(draw, "treatment", unlike(pairs), reference=0)


def unlike(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs, with the whole value as short form where two short forms are alike."""
    if len({short.casefold() for _, short in pairs}) == len(pairs):
        return pairs
    return [(value, value) for value, _ in pairs]


def _of(kind: str, controls: Sequence[tuple[str, str]], others: Sequence[tuple[str, str]]) -> Maker:
    """A maker of one control and n - 1 others."""

    def make(draw: Draw, n: int = 2) -> Levels:
        chosen: list[tuple[str, str]] = []
        for pair in draw.shuffled(others):
            if len(chosen) < n - 1 and pair[1] not in {short for _, short in chosen}:
                chosen.append(pair)
        return make_levels(draw, kind, [draw.pick(controls), *chosen], reference=0)

    return make


stimulus = _of("stimulus", STIMULUS_CONTROLS, STIMULI)
infection = _of("infection", INFECTION_CONTROLS, INFECTIONS)
injury = _of("injury", INJURY_CONTROLS, INJURIES)


def knockdown(draw: Draw, n: int = 2) -> Levels:
    """An inert control and n - 1 genes, by RNA interference or guide RNAs."""
    control = draw.pick(KNOCKDOWN_CONTROLS)
    tool = next((t for t in ("si", "sh", "sg", "ASO") if t in control[1]), "si")
    tool = "sh" if control[1] == "pLKO" else tool
    genes = draw.some(GENES, n - 1)
    style = draw.pick(("{t}{g}", "{t}{g}", "{t}-{g}", "{g} {t}RNA", "{g}-{t}", "{t}{g}#1"))
    pairs = [control]
    for gene in genes:
        text = style.format(t=tool, g=gene).replace("ASORNA", "ASO")
        pairs.append((text, text.replace(" ", "")))
    return make_levels(draw, "knockdown", pairs, reference=0)


TREATMENTS: tuple[Maker, ...] = (drug, drug, stimulus, stimulus, infection, injury, knockdown)


def any_treatment(draw: Draw, n: int = 2) -> Levels:
    """A control and n - 1 treatments of one kind."""
    return draw.pick(TREATMENTS)(draw, n)

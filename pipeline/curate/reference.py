"""Which level the others are compared with: a control by its word, what the others add to, the smallest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.curate.column_words import (
    AGE,
    DISEASE,
    DOSE,
    GROUP,
    OTHER,
    STRAIN,
    TIME,
    TISSUE,
    TREATMENT,
)
from pipeline.curate.controls import (
    Control,
    barred_words,
    base_of,
    best_of,
    control_of,
    is_deleted,
    lacking_of,
    negative_of,
    undone_of,
    unperturbed_of,
    zero_of,
)
from pipeline.curate.curation import ARBITRARY, ORDERED, REFERENCE
from pipeline.curate.level_words import ALONE_WORDS, CONTROL_TIERS, NEGATIONS
from pipeline.curate.quantity import natural_order, quantities, ranks
from pipeline.curate.text import words
from pipeline.curate.variables import Variable

# A column that tells of these what was done leaves the untreated out.
_TREATED = frozenset({TREATMENT, DISEASE, DOSE, TIME, GROUP, OTHER})
# In a tissue or strain "C57BL/6" and "medium" say nothing of a control.
# What a vehicle is made of.
_MADE_OF = 2
_TISSUE_TIERS = (0, 1)
_STRAIN_TIERS = (0, 1, 3)


@dataclass(frozen=True, slots=True)
class Choice:
    """The level that the others are compared with.

    `direction` says why: a control (reference), the smallest quantity (ordered), or nothing (arbitrary:
    the first level in natural order). `word` is what told it; `tied` are levels that equally could be
    it; `certainty` is 1 where a whole level is a control.
    """

    level: str
    direction: str
    word: str = ""
    tied: tuple[str, ...] = ()
    certainty: float = 1.0


def reference_of(variable: Variable) -> Choice:
    """The reference of a variable, by its own levels or by another variable that tells the same."""
    choice = choose_reference(variable.kind, variable.words, variable.levels, variable.untold)
    level, word = variable.hint
    if choice.direction == ARBITRARY and level in variable.levels:
        return Choice(level, REFERENCE, word, certainty=0.8)
    return choice


def choose_reference(
    kind: str, key: Sequence[str], levels: Sequence[str], untold: str = ""
) -> Choice:
    """Choose the level to compare with.

    The one level that consists of control words is taken, or the one with the best of them; else, where
    all levels are times or doses, the smallest; else the one that nothing was done to, by words or by
    what the others add, or the one that the column does not tell (`untold`); else the first in natural
    order, which is arbitrary.
    """
    levels = natural_order(key, levels)
    common = set.intersection(*({*words(level)} for level in levels)) - NEGATIONS
    rest = {
        level: " ".join(w for w in words(level) if w not in common) or level for level in levels
    }
    tiers = {TISSUE: _TISSUE_TIERS, STRAIN: _STRAIN_TIERS}.get(kind, range(len(CONTROL_TIERS)))
    barred = barred_words({*key, *(word for level in levels for word in words(level))})
    controls = {level: control_of(level, tiers, common, barred) for level in levels}
    pure = [level for level in levels if controls[level].pure]
    if ranked := ranks(list(rest.values())):
        lowest = min(levels, key=lambda level: ranked[rest[level]])
        return Choice(lowest, ORDERED, lowest)
    if ordered := _smallest(key, levels):
        return ordered
    if kind not in (AGE, TISSUE, STRAIN) and (undone := undone_of(levels)):
        return Choice(undone, REFERENCE, undone, certainty=0.9)
    better = _better(pure, levels, controls)
    if len(pure) == 1 and kind != AGE and not better:
        return Choice(pure[0], REFERENCE, controls[pure[0]].word)
    if better:
        pure = []
    found = [level for level in better or pure or levels if controls[level].word]
    found = [level for level in found if not is_deleted(level, controls[level].tier)]
    best = best_of(found, controls) if found else []
    made_of = best and not pure and controls[best[0]].tier == _MADE_OF
    if made_of and kind not in (TISSUE, STRAIN) and (base := base_of(levels)):
        # `model` and `model treated with ethanol`: here the solvent is the treatment.
        return Choice(base[0], REFERENCE, base[1], certainty=0.8)
    if len(best) == 1:
        word = controls[best[0]].word
        return Choice(best[0], REFERENCE, word, certainty=1.0 if pure else 0.9)
    if not best:
        by_form = _by_form(kind, levels, rest, untold)
        if by_form:
            return by_form
    return Choice((best or levels)[0], ARBITRARY, tied=tuple(best), certainty=0.7 if best else 0.8)


def _better(
    pure: Sequence[str], levels: Sequence[str], controls: Mapping[str, Control]
) -> list[str]:
    """Levels with a better word than the only one that consists of a word which may mean another thing.

    `GFP` beside `uninfected control`: it is what was done.
    """
    if len(pure) != 1 or controls[pure[0]].word not in ALONE_WORDS:
        return []
    weak = controls[pure[0]].tier
    return [
        level
        for level in levels
        if controls[level].tier < min(weak, _MADE_OF) and not controls[level].perturbed
    ]


def _smallest(key: Sequence[str], levels: Sequence[str]) -> Choice | None:
    """The one smallest quantity."""
    numbers = quantities(key, levels)
    first = [level for level in levels if numbers and numbers[level] == min(numbers.values())]
    return Choice(first[0], ORDERED, first[0]) if len(first) == 1 else None


def _by_form(kind: str, levels: Sequence[str], rest: dict[str, str], untold: str) -> Choice | None:
    """The level that lacks something, where no word is a control's."""
    if one := lacking_of(levels, rest):
        return Choice(one, REFERENCE, rest[one], certainty=0.9)
    rules = [(zero_of, 1.0), (negative_of, 0.9), (unperturbed_of, 0.8)]
    if kind not in (TISSUE, STRAIN):
        rules.append((base_of, 0.8))
    for rule, certainty in rules:
        if found := rule(levels):
            return Choice(found[0], REFERENCE, found[1], certainty=certainty)
    if untold in levels and kind in _TREATED:
        return Choice(untold, REFERENCE, "nothing told", certainty=0.7)
    return None

"""A habit of submitters: its name, and how a study with it is drawn."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.simulate.metadata.answer import Drawn
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels import Levels


class Template(NamedTuple):
    """One habit; `draw` makes a study of it."""

    name: str
    draw: Callable[[Draw], Drawn]


def unlike_keys(draw: Draw, *makers: Callable[[Draw], Levels]) -> list[Levels]:
    """One factor of each maker, no two under one key."""
    while True:
        factors = [make(draw) for make in makers]
        if len({f.key for f in factors}) == len(factors):
            return factors

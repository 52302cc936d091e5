"""What a column says beside what another says as well: `cKO retina` beside `retina` is `cKO`."""

from collections.abc import Sequence

from pipeline.curate.text import tidy
from pipeline.curate.unpack import kind_of_field
from pipeline.curate.variables import Variable, cross, determines, n_classes

_SIGNS = " \t_,;:|/-+."


def without_others(variable: Variable, others: Sequence[Variable]) -> Variable:
    """The column without the levels of another that stand in its own, where that leaves fewer levels.

    The two must tell together what the column told.
    """
    if len(variable.levels) < 3:
        return variable
    for other in others:
        if other.name == variable.name or not 1 < len(other.levels) < len(variable.levels):
            continue
        if other.n_missing or not determines(variable.codes, other.codes):
            continue
        rest = [
            _without(own, told) for own, told in zip(variable.values, other.values, strict=True)
        ]
        if not all(rest):
            continue
        left = variable.renamed(name=f"{variable.name}[rest]", values=tuple(map(str, rest)))
        both = cross(left.codes, other.codes)
        if 1 < len(left.levels) < len(variable.levels) and n_classes(both) == n_classes(
            variable.codes
        ):
            return left.renamed(kind=kind_of_field(left.values, default=variable.kind))
    return variable


def _without(own: str, told: str) -> str | None:
    """A level without another's text in it, as whole words; None where that is not in it."""
    text, part = tidy(own).lower(), tidy(told).lower()
    at = text.find(part)
    if not part or at < 0:
        return None
    before, after = own[:at], own[at + len(part) :]
    if (before and before[-1].isalnum()) or (after and after[0].isalnum()):
        return None
    return " ".join(f"{before.strip(_SIGNS)} {after.strip(_SIGNS)}".split())

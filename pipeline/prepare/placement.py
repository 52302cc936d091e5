"""Where a component of studies goes: a hash decides, once; a study that has a place keeps it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.prepare.components import members_of
from pipeline.prepare.settings import SplitSettings
from storage.split_schema import TEST, TRAIN, VALIDATION

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A component whose studies were placed apart before: each keeps its place, and the parts now leak."""

    component: str
    places: dict[str, Place]


def place(name: str, settings: SplitSettings) -> Place:
    """Part and fold that the hash of a name gives."""
    digest = hashlib.sha256(f"{settings.seed}:{name}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    fold = int.from_bytes(digest[8:16], "big") % settings.folds
    if share < settings.train:
        return TRAIN, fold
    return (VALIDATION if share < settings.train + settings.validation else TEST), fold


def place_studies(
    component_of: Mapping[str, str], settings: SplitSettings, placed: Mapping[str, Place]
) -> tuple[dict[str, Place], list[Conflict]]:
    """Part and fold of each study.

    The studies of a component go where the first of them that has a place is; where none has one, where
    the hash of the component's first study says. A study that has a place keeps it.

    Parameters
    ----------
    placed
        Places given by earlier splits.
    """
    found: dict[str, Place] = {}
    conflicts = []
    for first, members in members_of(component_of).items():
        before = {study: placed[study] for study in members if study in placed}
        common = next(iter(before.values())) if before else place(first, settings)
        found |= {study: before.get(study, common) for study in members}
        if len(set(before.values())) > 1:
            conflicts.append(Conflict(first, before))
    return found, conflicts


def place_rows(contrasts: Sequence[str], settings: SplitSettings) -> list[Place]:
    """Part and fold of each contrast, each by its own hash: studies are torn apart, as in the paper."""
    return [place(contrast, settings) for contrast in contrasts]


def study_weights(
    studies: npt.NDArray[np.str_], parts: npt.NDArray[np.str_]
) -> npt.NDArray[np.float32]:
    """1 over the contrasts that each contrast's study has in its part (contrast,)."""
    pairs = np.array([f"{part}\t{study}" for part, study in zip(parts, studies, strict=True)])
    if not len(pairs):
        return np.zeros(0, np.float32)
    _, member, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    return (1.0 / counts[member]).astype(np.float32)

"""The leak audit: what a split keeps apart, and what it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.prepare.components import Link, components, members_of
from pipeline.prepare.placement import Conflict
from storage.split_schema import PARTS, TRAIN

KINDS = ("accession", "super_series", "duplicate")


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """Sizes of the parts, what joined studies, and the training contrasts that share it with another part.

    `leaks` counts training contrasts whose study has contrasts outside of train ("study"), or is joined,
    through links of a kind, with a study that has.
    """

    contrasts: dict[str, int]
    studies: dict[str, int]
    folds: list[int]
    components: int
    largest_component: list[str]
    links: dict[str, int]
    leaks: dict[str, int]
    conflicts: list[dict[str, str]]

    @property
    def clean(self) -> bool:
        """Whether nothing leaks."""
        return not any(self.leaks.values())


def audit_split(
    studies: npt.NDArray[np.str_],
    parts: npt.NDArray[np.str_],
    folds: npt.NDArray[np.int32],
    links: Sequence[Link],
    conflicts: Sequence[Conflict],
    n_folds: int,
) -> Audit:
    """Audit the parts (contrast,) of contrasts of `studies` (contrast,)."""
    names = np.unique(studies).tolist()
    whole = components(names, links)
    members = members_of(whole)
    largest = max(members.values(), key=len, default=[])
    return Audit(
        contrasts={part: int((parts == part).sum()) for part in PARTS},
        studies={part: len(np.unique(studies[parts == part])) for part in PARTS},
        folds=np.bincount(folds, minlength=n_folds).tolist(),
        components=len(members),
        largest_component=largest if len(largest) > 1 else [],
        links={kind: sum(link.kind == kind for link in links) for kind in KINDS},
        leaks={
            "study": _leaks({name: name for name in names}, studies, parts),
            **{
                kind: _leaks(
                    components(names, [link for link in links if link.kind == kind]), studies, parts
                )
                for kind in KINDS
            },
        },
        conflicts=[
            {study: f"{part}, fold {fold}" for study, (part, fold) in conflict.places.items()}
            for conflict in conflicts
        ],
    )


def _leaks(
    group_of: Mapping[str, str], studies: npt.NDArray[np.str_], parts: npt.NDArray[np.str_]
) -> int:
    """Training contrasts whose group has a contrast outside of train."""
    groups = np.array([group_of[study] for study in studies.tolist()])
    return int((np.isin(groups, groups[parts != TRAIN]) & (parts == TRAIN)).sum())

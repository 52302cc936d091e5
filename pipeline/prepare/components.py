"""Which studies belong together: connected components of studies that share something."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Runs, experiments, samples of SRA, ENA and DDBJ, of GEO and of BioSample. What follows must not go on
# like the accession: GSM123_rep1 names GSM123, GSM123x nothing.
_ACCESSION = re.compile(r"((?:[SED]R[RXS]|GSM|SAM(?:N|EA|EG|D))\d+)(?![0-9A-Za-z])")
_SUPER_SERIES = re.compile(r"super_series:([^,;\s]+)")


@dataclass(frozen=True, slots=True)
class Link:
    """Two studies that belong together: `kind` is accession, super_series or duplicate, `what` names it."""

    first: str
    second: str
    kind: str
    what: str


def accessions(names: Iterable[str]) -> set[str]:
    """Accessions of runs and samples that the names begin with; a name like "s1" says nothing."""
    parts = (part.strip() for name in names for part in name.split(","))
    return {found[1] for part in parts if (found := _ACCESSION.match(part))}


def super_series(flags: str) -> set[str]:
    """Super-series that the flags of a study name, as `super_series:GSE12345`."""
    return set(_SUPER_SERIES.findall(flags))


def links_of(owners: Iterable[tuple[str, str]], kind: str) -> list[Link]:
    """Links between the studies that have the same thing; `owners` are pairs of a study and a thing."""
    studies: dict[str, set[str]] = {}
    for study, thing in owners:
        studies.setdefault(thing, set()).add(study)
    return [
        Link(*pair, kind, thing)
        for thing, members in sorted(studies.items())
        for pair in _neighbours(sorted(members))
    ]


def components(studies: Iterable[str], links: Iterable[Link]) -> dict[str, str]:
    """The first study, in sorted order, of each study's connected component."""
    root = {study: study for study in studies}

    def find(study: str) -> str:
        while root[study] != study:
            root[study] = root[root[study]]
            study = root[study]
        return study

    for link in links:
        if link.first in root and link.second in root:
            a, b = sorted((find(link.first), find(link.second)))
            root[b] = a
    return {study: find(study) for study in root}


def members_of(component_of: Mapping[str, str]) -> dict[str, list[str]]:
    """Studies of each component, sorted, by its first."""
    members: dict[str, list[str]] = {}
    for study in sorted(component_of):
        members.setdefault(component_of[study], []).append(study)
    return members


def _neighbours(members: Sequence[str]) -> list[tuple[str, str]]:
    return list(pairwise(members))

"""DEE2's table of projects, as R appends to it: quoted, with its header line again and again."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.errors import InputError

_STUDY = "study_accession"
_MISSING = {"", "NA"}


@dataclass(frozen=True, slots=True)
class Project:
    """One project: its accession, title, what SRA says of its kind, and its GEO series, if any."""

    accession: str
    title: str
    kind: str
    series: str


def read_project_table(path: Path) -> dict[str, Project]:
    """Projects by accession; of several lines of one project the last that says more is taken.

    Raises
    ------
    InputError
        The file can't be read, or has no column `study_accession`.
    """
    projects: dict[str, Project] = {}
    for row in _rows(path):
        accession = row.get(_STUDY, "")
        if accession in _MISSING:
            continue
        told = Project(
            accession,
            *(_told(row.get(name, "")) for name in ("title", "study_type", "GSE")),
        )
        known = projects.get(accession)
        projects[accession] = told if known is None or told.series else known
    return projects


def _told(cell: str) -> str:
    return "" if cell in _MISSING else cell.strip()


def _rows(path: Path) -> Iterator[dict[str, str]]:
    header: list[str] = []
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            reader = csv.reader(file, delimiter="\t", doublequote=False, escapechar="\\")
            for cells in reader:
                if _STUDY in cells:
                    header = cells
                elif header and len(cells) >= len(header):
                    # R writes the names of its rows before the first column, and no header for them.
                    yield dict(zip(header, cells[len(cells) - len(header) :], strict=True))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except csv.Error as error:
        raise InputError(
            f"{path} can't be parsed ({error}); delete it and fetch it again"
        ) from error
    if not header:
        raise InputError(
            f"{path} is no DEE2 project table: it has no column {_STUDY}; delete it and run "
            "`dexome fetch`"
        )

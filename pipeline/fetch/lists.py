"""The lists of DEE2, and what they say is to be had: which projects, with which runs, bundles and series."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from pipeline.fetch.downloads import Check, Downloads
from pipeline.fetch.listing import read_listing
from pipeline.fetch.study import StudyWanted
from pipeline.fetch.verify import (
    check_bundles,
    check_project_table,
    check_run_list,
    listed_bundles,
)
from pipeline.sources.project_table import Project, read_project_table
from pipeline.sources.receipt import RawFile
from pipeline.sources.refusal import Refusal
from pipeline.sources.run_list import Run, by_project, kept_runs, read_run_list
from pipeline.sources.settings import SourceConfig, read_accessions
from storage.errors import InputError
from storage.hashing import hash_json

log = logging.getLogger(__name__)

_MAX_LIST = 4 << 30
_MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Lists:
    """Runs of the wanted projects, and the bundles and project lines that there are."""

    runs: dict[str, list[Run]]
    bundles: dict[str, list[str]]
    projects: dict[str, Project]


def fetch_lists(downloads: Downloads, settings: SourceConfig) -> Lists:
    """Fetch DEE2's lists, or keep those that are the newest, and choose the projects asked for.

    Raises
    ------
    InputError
        There is no run list to be had, or an accession that is asked for is not in it.
    """
    species = settings.species

    def get(path: str, key: str, check: Check) -> RawFile:
        return downloads.get(
            f"{settings.dee2}/{path}", f"dee2/{key}", check, max_bytes=_MAX_LIST, renew=True
        )

    def get_run_list() -> RawFile:
        name = f"metadata/{species}_metadata.tsv"
        try:
            return get(f"{name}.cut", f"{name}.cut", check_run_list)
        except Refusal:
            return get(name, name, check_run_list)

    try:
        run_list = downloads.disk.path(get_run_list().key)
    except Refusal as refusal:
        raise InputError(f"there is no run list of {species}: {refusal.message}") from refusal
    # The other two only help: the run list tells most series itself, and bundles spare requests.
    projects: dict[str, Project] = {}
    try:
        name = f"metadata/{species}_srp.tsv"
        projects = read_project_table(downloads.disk.path(get(name, name, check_project_table).key))
    except Refusal as refusal:
        log.warning("no table of projects: %s", refusal)
    wanted = read_accessions(settings)
    asked = {name for name, project in projects.items() if project.series in wanted}
    runs = by_project(read_run_list(run_list), asked.union(wanted) or None)
    _check_found(wanted, runs, {projects[name].series for name in asked.intersection(runs)})
    bundles: dict[str, list[str]] = {}
    folder = f"huge/{species}"
    try:
        here = downloads.disk.path(f"dee2/{folder}/index.html")
        page = read_listing(
            downloads,
            f"{settings.dee2}/{folder}",
            f"dee2/{folder}",
            partial(check_bundles, before=here),
        )
        bundles = listed_bundles(page)
    except Refusal as refusal:
        log.warning("no list of bundles: %s", refusal)
    return Lists(runs, bundles, projects)


def studies_wanted(
    lists: Lists, cuts: dict[str, tuple[RawFile, ...]] | None, settings: SourceConfig
) -> list[StudyWanted]:
    """What is to be had of each project; `cuts` are what is there already in the place of archives."""
    items = []
    for study, runs in lists.runs.items():
        series = sorted({series for run in runs for series in run.series})
        project = lists.projects.get(study)
        if not series and project is not None and project.series.startswith("GSE"):
            series = [project.series]
        bundles = () if cuts is not None else tuple(lists.bundles.get(study, ()))
        own = (cuts or {}).get(study, ())
        told = [list(run) for run in runs]
        # What the settings make of the runs, not the settings: most changes of these change no study.
        used = None if len(runs) > settings.max_runs else kept_runs(runs, settings.qc)
        items.append(
            StudyWanted(
                study=study,
                # Not the bundles: what is here is here, whatever the server lists today.
                wanted=hash_json([told, series, [cut.sha256 for cut in own], cuts is None, used]),
                runs=tuple(runs),
                bundles=bundles,
                series=tuple(series),
                cuts=own,
            )
        )
    return items


def _check_found(
    wanted: tuple[str, ...], runs: dict[str, list[Run]], series: Collection[str]
) -> None:
    """Raise an error that names what is neither a project, nor a series of the runs or among `series`."""
    told = {series for of in runs.values() for run in of for series in run.series}
    unknown = [accession for accession in wanted if accession not in told.union(runs, series)]
    if unknown:
        more = len(unknown) - _MAX_SHOWN
        shown = ", ".join(unknown[:_MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
        raise InputError(
            f"DEE2's lists have no project or series {shown}; take "
            f"{'it' if len(unknown) == 1 else 'them'} from accessions in [source]"
        )

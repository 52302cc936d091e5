"""DEE2's list of runs: one line a run, its flag, and the experiment, sample and project it is of."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.sources.qc import QcSettings, parse_qc, stricter
from storage.errors import InputError

_RUN = "SRR_accession"
# Each field of a run, and the columns it may stand in: today's two files, and those of 2018.
_COLUMNS = {
    "run": (_RUN,),
    "experiment": ("SRX_accession",),
    "sample": ("SRS_accession",),
    "project": ("SRP_accession",),
    "title": ("Experiment_title",),
    "series": ("GEO_series", "GSE_accession"),
    "geo_sample": ("GSM_accession",),
}
_QC = ("qc_summary",)  # QC_summary, and on an old mirror QC_SUMMARY beside it
_NOTHING = {"", "NA", "NULL", "None"}
_SERIES = re.compile(r"GSE\d+")
_GEO_SAMPLE = re.compile(r"GSM\d+")


class Run(NamedTuple):
    """One run; a field that the list does not tell is empty. `series` are GSE, `geo_sample` is a GSM."""

    run: str
    qc: str
    experiment: str
    sample: str
    project: str
    title: str
    series: tuple[str, ...]
    geo_sample: str


def read_run_list(path: Path) -> Iterator[Run]:
    """Runs of a list, in its order; `.tsv.cut` and `.tsv` of any year.

    Columns are found by name. Nothing is quoted and nothing is a comment; a title may hold tabs, which
    are told by the fields that a row has too many, and a row may be cut short.

    Raises
    ------
    InputError
        The file can't be read, or has no column of runs or of projects.
    """
    try:
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            header = file.readline().rstrip("\r\n").lstrip("\ufeff").split("\t")
            if _RUN not in header or "SRP_accession" not in header:
                raise InputError(
                    f"{path} is no DEE2 run list: its columns are {', '.join(header[:9])!r}; "
                    "delete it and run `dexome fetch`"
                )
            yield from _runs(header, file)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def by_project(runs: Iterator[Run], wanted: Collection[str] | None = None) -> dict[str, list[Run]]:
    """Runs of each project, sorted; `wanted` are accessions of projects or series, None all.

    A run that stands in the list twice is taken once, with the stricter flag.
    """
    projects: dict[str, dict[str, Run]] = {}
    known = None if wanted is None else set(wanted)
    for run in runs:
        if not run.project:
            continue
        if known is not None and run.project not in known and known.isdisjoint(run.series):
            continue
        of_project = projects.setdefault(run.project, {})
        twin = of_project.get(run.run)
        if twin is not None:
            run = run._replace(qc=str(stricter(parse_qc(run.qc), parse_qc(twin.qc))))
        of_project[run.run] = run
    return {
        project: [of_project[name] for name in sorted(of_project)]
        for project, of_project in sorted(projects.items())
    }


def kept_runs(runs: Iterable[Run], qc: QcSettings) -> list[str]:
    """Names of the runs that are used, as far as the list's flags tell."""
    return [run.run for run in runs if qc.keeps(parse_qc(run.qc).level)]


def geo_sample_in(title: str) -> str:
    """The GSM that a title begins with, as SRA writes titles of experiments that come from GEO."""
    found = _GEO_SAMPLE.match(title)
    return found[0] if found and title[found.end() : found.end() + 1] in ("", ":", " ", ";") else ""


def _runs(header: list[str], lines: Iterator[str]) -> Iterator[Run]:
    at = {
        field: next((header.index(name) for name in names if name in header), None)
        for field, names in _COLUMNS.items()
    }
    flags = [i for i, name in enumerate(header) if name.lower() in _QC]
    title = at["title"]
    width = len(header)
    # The list has 350,000 lines of a few thousand projects: equal texts are kept once.
    texts: dict[str, str] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for line in lines:
        cells = line.rstrip("\r\n").split("\t")
        if len(cells) != width:
            cells = _fitted(cells, width, title)
        run = cells[at["run"] or 0]
        if run in _NOTHING:
            continue
        project, told = _cell(cells, at["project"]), _cell(cells, at["series"])
        title_text = _cell(cells, title)
        qc = [cells[i] for i in flags]
        flag = qc[0] if len(set(qc)) == 1 else str(stricter(*map(parse_qc, qc)))
        if told not in groups:
            groups[told] = tuple(sorted(set(_SERIES.findall(told))))
        yield Run(
            run=run,
            qc=texts.setdefault(flag, flag),
            experiment=_cell(cells, at["experiment"]),
            sample=_cell(cells, at["sample"]),
            project=texts.setdefault(project, project),
            title=title_text,
            series=groups[told],
            geo_sample=_cell(cells, at["geo_sample"]) or geo_sample_in(title_text),
        )


def _cell(cells: list[str], place: int | None) -> str:
    if place is None or cells[place] in _NOTHING:
        return ""
    return cells[place].strip()


def _fitted(cells: list[str], width: int, title: int | None) -> list[str]:
    """A row of another width than the header: surplus tabs are the title's, missing cells are empty."""
    surplus = len(cells) - width
    if surplus < 0:
        return cells + [""] * -surplus
    if title is None:
        return cells[:width]
    return [
        *cells[:title],
        " ".join(cells[title : title + surplus + 1]),
        *cells[title + surplus + 1 :],
    ]


def run_fields(run: Run) -> Mapping[str, object]:
    """A run for JSON."""
    return run._asdict()


def make_run(fields: Mapping[str, object]) -> Run:
    """A run from JSON."""
    given = dict(fields)
    series = given.pop("series")
    assert isinstance(series, list | tuple)
    return Run(series=tuple(map(str, series)), **{k: str(v) for k, v in given.items()})

"""The run table of SRA (its Run Selector's `SraRunTable`): what it knows of runs that GEO does not know."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.sources.refusal import Refusal
from pipeline.sources.samples import read_sample_table

ENDINGS = (".csv", ".tsv", ".txt")
_RUN = "Run"
_GEO = ("GEO_Accession (exp)", "GEO_Accession", "Sample Name")
# What SRA knows of any run, and nobody compares.
_TECHNICAL = frozenset(
    (
        "run", "assay type", "avgspotlen", "bases", "bioproject", "bytes", "center name", "consent",
        "create_date", "datastore filetype", "datastore provider", "datastore region", "experiment",
        "geo_accession", "geo_accession (exp)", "insertsize", "librarylayout", "libraryselection",
        "librarysource", "platform", "releasedate", "sample name", "sra study", "version",
    )
)  # fmt: skip
_RENAMED = {"instrument": "platform"}
_MISSING = ("", "NA", "missing", "not applicable", "not collected")


@dataclass(frozen=True, slots=True)
class RunTable:
    """The GSM of runs that have one, and the cells of each run by column, in lower case as GEO's are."""

    geo_samples: dict[str, str]
    cells: dict[str, dict[str, str]]


def find_run_table(folder: Path | None, study: str) -> Path | None:
    """The run table of a study, named as the study."""
    if folder is None:
        return None
    found = [folder / f"{study}{ending}" for ending in ENDINGS]
    return next((path for path in found if path.is_file()), None)


def read_run_table(path: Path) -> RunTable:
    """Read a run table, CSV or TSV.

    Raises
    ------
    Refusal
        It can't be read, or has no column `Run`.
    """
    table = read_sample_table(path)
    if _RUN not in table.columns:
        raise Refusal(
            "bad_run_table",
            f"{path.name} has no column {_RUN!r}: it is no run table of SRA; save that of the Run "
            "Selector",
        )
    geo_samples: dict[str, str] = {}
    cells: dict[str, dict[str, str]] = {}
    for row in table.to_dict("records"):
        run = str(row[_RUN])
        for name in _GEO:
            told = str(row.get(name, ""))
            if told.startswith("GSM"):
                geo_samples.setdefault(run, told)
        cells[run] = {
            _RENAMED.get(str(name).lower(), str(name).lower()): str(cell)
            for name, cell in row.items()
            if str(name).lower() not in _TECHNICAL and str(cell) not in _MISSING
        }
    return RunTable(geo_samples, cells)

"""Real studies of ../shared/data/studies, as count tables with their groups."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.dea.design import Contrast, make_design
from pipeline.dea.study import zero_libraries
from pipeline.sources.table import read_count_table
from tests.golden.dea.oracle import Study

STUDIES = Path(__file__).parents[4] / "shared" / "data" / "studies"


@dataclass(frozen=True)
class Source:
    """Where the groups of a study are: columns of its sample table, or a pattern on sample names.

    `key` is the column of the sample table that holds the names of the count table.
    """

    columns: tuple[str, ...] = ()
    key: str = ""
    covariates: tuple[str, ...] = ()
    block: str = ""
    pattern: str = ""
    given: tuple[tuple[str, ...], ...] = ()


SOURCES = {
    "CCBR_nidap": Source(columns=("Group",), key="Sample", covariates=("Batch",)),
    "GRN_Leavitt": Source(pattern=r"([A-Za-z]+)"),
    "GSE60450": Source(columns=("immunophenotype", "developmental_stage"), key=""),
    "GSE63310": Source(columns=("group",), key="files", covariates=("lane",)),
    "GSE71176": Source(pattern=r"(.+)_\d+$"),
    "GSE96870": Source(columns=("infection", "time"), key="sample", covariates=("sex",)),
    "PTH_Alekos2023": Source(columns=("Condition",), key="Sample"),
    "RAW264_EV": Source(pattern=r"RAW\d(.*)"),
    "SchwannC_EV": Source(pattern=r"SC\d(.*)"),
    "UCD_miR150_monocytes": Source(pattern=r"mouse_\d+_(.+)", block=r"mouse_(\d+)_"),
    "human_GSE37704": Source(pattern=r"(.+)_Rep"),
    "human_airway_GSE52778": Source(given=(("untreated", "dexamethasone") * 4, tuple("aabbccdd"))),
}
MAX_CONTRASTS = 6


def real_study(name: str, *, every: int = 1) -> Study:
    """The study, of every so many genes; its first contrasts by name."""
    source = SOURCES[name]
    table = read_count_table(STUDIES / name / "counts.tsv.gz")
    covariates: dict[str, list[str]] = {}
    block = None
    if source.given:
        groups, block = list(source.given[0]), list(source.given[1])
    elif source.pattern:
        groups = [_first(source.pattern, sample) or "plain" for sample in table.samples]
        if source.block:
            block = [_first(source.block, sample) for sample in table.samples]
    else:
        with (STUDIES / name / "samples.tsv").open(encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t"))
        by_name = {_first(r"(GSM\d+)_", row[source.key]) or row[source.key]: row for row in rows}
        chosen = [by_name[sample] for sample in table.samples]
        groups = [".".join(row[column] for column in source.columns) for row in chosen]
        covariates = {name: [row[name] for row in chosen] for name in source.covariates}
    counts = table.counts[:, ::every].copy()
    assert zero_libraries(counts).size == 0
    design = make_design(groups, covariates, block)
    levels = design.levels
    contrasts = [
        Contrast(test=test, reference=reference)
        for i, reference in enumerate(levels)
        for test in levels[i + 1 :]
    ]
    known = tuple(c for c in contrasts if design.is_estimable(c))[:MAX_CONTRASTS]
    return Study(counts, design, known)


def _first(pattern: str, text: str) -> str:
    found = re.match(pattern, text)
    return found.group(1) if found else ""

"""The real mouse studies as arrays: counts and which samples are replicates of each other."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Grouping = Callable[[list[str], Path], dict[str, str]]


@dataclass(frozen=True, slots=True)
class RealStudy:
    """One study: `counts` (sample, row), `ids` (row,) as in the file, `groups` (sample,) of replicates."""

    name: str
    ids: tuple[str, ...]
    counts: Floats
    groups: tuple[str, ...]


def without(pattern: str) -> Grouping:
    """Groups are the sample names without what matches `pattern`."""
    return lambda names, _: {name: re.sub(pattern, "", name) for name in names}


def from_columns(columns: list[str], key: str | None = None, key_end: str = "$") -> Grouping:
    """Groups cross `columns` of the sample table; `key` up to `key_end` holds the sample names."""

    def group(_: list[str], path: Path) -> dict[str, str]:
        table = pd.read_csv(path, sep="\t", dtype="str")
        names = table[key or table.columns[0]].str.split(key_end).str[0]
        return dict(zip(names, table[columns].agg("|".join, axis=1), strict=True))

    return group


# Only studies of mouse with replicates; "filtered" ones lack the genes of low abundance.
STUDIES: dict[str, Grouping] = {
    "CCBR_nidap": without(r"\d$"),
    "GRN_Leavitt": without(r"\d$"),
    "GSE198862": from_columns(["treatment:ch1", "time:ch1"], "title", " "),
    "GSE60450": from_columns(["group"]),
    "GSE63310": from_columns(["group"], "files", "_"),
    "GSE71176": without(r"_\d$"),
    "GSE96870": from_columns(["infection", "time", "sex"]),
    "PRJNA481474_DSS": from_columns(["agent"]),
    "PTH_Alekos2023": without(r"_\d$"),
    "RAW264_EV": without(r"\d"),
    "SchwannC_EV": without(r"\d"),
    "UCD_miR150_monocytes": without(r"^mouse_\d+_"),
}
FILTERED = ("GSE71176",)
DOWN_SAMPLED = ("UCD_miR150_monocytes",)
ONE_TISSUE = (("GSE60450", "GSE63310"), ("GRN_Leavitt", "GSE96870"))  # mammary gland, brain


def read_real_studies(folder: Path) -> list[RealStudy]:
    """Read every study of `STUDIES`; samples that no group can be told for are left out."""
    return [read_real_study(folder / name, group) for name, group in STUDIES.items()]


def read_real_study(path: Path, group: Grouping) -> RealStudy:
    """Read one study's folder."""
    table = pd.read_csv(path / "counts.tsv.gz", sep="\t", index_col=0)
    table = table[~table.index.astype("str").str.startswith("N_")].select_dtypes("number")
    groups = group(list(table.columns), path / "samples.tsv")
    table = table[[name for name in table.columns if name in groups]]
    return RealStudy(
        name=path.name,
        ids=tuple(table.index.astype("str")),
        counts=table.to_numpy(np.float64).T,
        groups=tuple(groups[name] for name in table.columns),
    )


def ensembl_ids(study: RealStudy, annotation: pd.DataFrame) -> npt.NDArray[np.object_]:
    """(row,) Ensembl gene ids, NaN where a row is no gene of `annotation`."""
    ids = pd.Series(study.ids)
    if ids.str.startswith("ENSMUSG").mean() > 0.5:
        return ids.str.extract(r"^(ENSMUSG\d{11})")[0].to_numpy(object)
    column = "entrez" if ids.str.fullmatch(r"\d+").mean() > 0.5 else "symbol"
    known = annotation.dropna(subset=[column]).drop_duplicates(column)
    return ids.map(known.set_index(column)["ensgene"]).to_numpy(object)


def cpm_by_gene(study: RealStudy, annotation: pd.DataFrame) -> "pd.Series[float]":
    """Mean counts per million by Ensembl id."""
    cpm = (study.counts / study.counts.sum(axis=1, keepdims=True)).mean(axis=0) * 1e6
    return pd.Series(cpm, name=study.name).groupby(ensembl_ids(study, annotation)).sum()

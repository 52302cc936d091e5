"""A series in GEO's words: series matrix and family SOFT, as text."""

from collections.abc import Sequence

import pandas as pd

from pipeline.simulate.project import Project

# Columns of the sample table that GEO has a field of its own for.
_OWN_FIELDS = ("title", "description", "organism")
Fields = list[tuple[str, list[str]]]


def series_matrix(project: Project, platform: str | None = None) -> str:
    """The series matrix, of one platform's samples where there are several."""
    kept = [i for i, p in enumerate(project.platforms) if platform in (None, p)]
    lines = [f'!Series_{key}\t"{value}"' for key, value in _series_fields(project)]
    lines.append("")
    for key, values in _sample_fields(project):
        cells = [values[i] for i in kept]
        if any(cells):
            lines.append("\t".join([f"!Sample_{key}", *(f'"{cell}"' for cell in cells)]))
    names = [str(project.samples.index[i]) for i in kept]
    lines += ["!series_matrix_table_begin", "\t".join(f'"{c}"' for c in ("ID_REF", *names))]
    return "\n".join([*lines, "!series_matrix_table_end"]) + "\n"


def family_soft(project: Project) -> str:
    """The family SOFT file, with a platform that has a table."""
    lines = ["^DATABASE = GeoMiame", "!Database_name = Gene Expression Omnibus (GEO)"]
    lines.append(f"^SERIES = {project.series}")
    lines += [f"!Series_{key} = {value}" for key, value in _series_fields(project)]
    for platform in sorted(set(project.platforms)):
        lines += [f"^PLATFORM = {platform}", "!Platform_technology = high-throughput sequencing"]
        lines += ["!platform_table_begin", "ID\tGB_ACC", "!platform_table_end"]
    fields = _sample_fields(project)
    for i, name in enumerate(project.samples.index):
        lines.append(f"^SAMPLE = {name}")
        lines += [f"!Sample_{key} = {values[i]}" for key, values in fields if values[i]]
    return "\n".join(lines) + "\n"


def titles(project: Project) -> list[str]:
    """Title of each sample: the submitter's, or its number."""
    if "title" in project.samples:
        return [str(title) for title in project.samples["title"]]
    return [f"library {i + 1}" for i in range(len(project.samples))]


def _series_fields(project: Project) -> list[tuple[str, str]]:
    names = " ".join(map(str, project.samples.index))
    return [
        ("title", project.title),
        ("geo_accession", project.series),
        ("status", "Public on Jan 02 2020"),
        ("summary", f"{project.title}: counts with a known truth."),
        ("type", "Expression profiling by high throughput sequencing"),
        ("sample_id", f"{names} "),
        *(("platform_id", platform) for platform in sorted(set(project.platforms))),
        ("sample_taxid", project.taxid),
        ("relation", f"SRA: https://www.ncbi.nlm.nih.gov/sra?term={project.accession}"),
    ]


def _sample_fields(project: Project) -> Fields:
    n = len(project.samples)
    experiment = {run.sample: run.experiment for run in project.runs}
    ncbi = "https://www.ncbi.nlm.nih.gov"
    fields: Fields = [
        ("title", titles(project)),
        ("geo_accession", [str(name) for name in project.samples.index]),
        ("status", ["Public on Jan 02 2020"] * n),
        ("type", ["SRA"] * n),
        ("channel_count", ["1"] * n),
        ("source_name_ch1", _column(project.samples, ("tissue", "source_name"), "cells")),
        ("organism_ch1", [project.organism] * n),
        *(("characteristics_ch1", row) for row in _characteristics(project.samples)),
        ("molecule_ch1", ["polyA RNA"] * n),
        ("taxid_ch1", [project.taxid] * n),
        ("description", _column(project.samples, ("description",), "")),
        ("platform_id", list(project.platforms)),
        ("data_row_count", ["0"] * n),
        ("instrument_model", ["Illumina NovaSeq 6000"] * n),
        ("library_selection", ["cDNA"] * n),
        ("library_source", ["transcriptomic"] * n),
        ("library_strategy", ["RNA-Seq"] * n),
        ("relation", [f"BioSample: {ncbi}/biosample/{name}" for name in project.biosamples]),
        (
            "relation",
            [f"SRA: {ncbi}/sra?term={experiment[str(s)]}" for s in project.samples.index],
        ),
        ("supplementary_file_1", ["NONE"] * n),
    ]
    return fields


def _characteristics(samples: pd.DataFrame) -> list[list[str]]:
    """Rows of `key: value`, as far up as each sample's cells go, as GEO packs them."""
    columns = [name for name in samples.columns if str(name).lower() not in _OWN_FIELDS]
    packed = [
        [f"{name}: {row[name]}" for name in columns if str(row[name]) not in ("", "nan")]
        for _, row in samples.iterrows()
    ]
    height = max(map(len, packed), default=0)
    return [[cells[i] if i < len(cells) else "" for cells in packed] for i in range(height)]


def _column(samples: pd.DataFrame, names: Sequence[str], default: str) -> list[str]:
    for name in names:
        if name in samples:
            return [str(cell) for cell in samples[name]]
    return [default] * len(samples)

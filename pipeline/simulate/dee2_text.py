"""Projects in DEE2's words: run list, project table, listing, and the members of its archives."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from pipeline.simulate.genes import SimulatedGenes
from pipeline.simulate.geo_text import titles
from pipeline.simulate.project import MirrorRun, Project

CUT = (
    "SRR_accession", "QC_summary", "SRX_accession", "SRS_accession", "SRP_accession",
    "Experiment_title", "GEO_series",
)  # fmt: skip
FULL = (*CUT[:5], "GEO_series", "Experiment_title")
PROJECT_COLUMNS = (
    "query_accession", "study_accession", "title", "abstract", "description", "study_type",
    "center", "submission_date", "error", "GSE", "URL",
)  # fmt: skip
METRICS = (
    "SequenceFormat", "QualityEncoding", "Read1MinimumLength", "Read1MedianLength",
    "Read1MaxLength", "Read2MinimumLength", "Read2MedianLength", "Read2MaxLength",
    "NumReadsTotal", "NumReadsQcPass", "QcPassRate", "PE_Read1_StarMapRateTest",
    "PE_Read2_StarMapRateTest", "PE_Read1_Excluded", "PE_Read2_Excluded", "MappingFormat",
    "STAR_UniqMappedReads", "STAR_Strandedness", "STAR_UnmappedReads", "STAR_MultiMappedReads",
    "STAR_NoFeatureReads", "STAR_AmbiguousReads", "STAR_AssignedReads", "STAR_UniqMapRate",
    "STAR_AssignRate", "Kallisto_Kmer", "Kallisto_MappedReads", "Kallisto_MapRate",
)  # fmt: skip
# cDNA covers fewer genes than the annotation that STAR counts.
_TRANSCRIBED = ("protein_coding", "lncRNA")
_DATE = (2020, 1, 2, 3, 4, 6)


class Reference:
    """The genes and transcripts of a mirror: the tables that every archive has, made once."""

    def __init__(self, genes: SimulatedGenes) -> None:
        self.ids = genes.ids
        n = len(genes.ids)
        transcribed = np.flatnonzero(np.isin(genes.biotypes, _TRANSCRIBED))
        self.gene_of = np.repeat(transcribed, 2)
        second = np.arange(len(self.gene_of)) % 2
        share = 0.5 + (self.gene_of * 7919 % 89) / 200
        self.share = np.where(second == 1, 1 - share, share)
        stems = np.char.replace(genes.ids[self.gene_of], "G", "T", 1)
        self.transcripts = np.char.add(np.char.add(stems, np.where(second == 1, "2", "1")), ".4")
        versioned = np.char.add(np.char.add(genes.ids, "."), genes.versions)
        length = pa.array(1000 + np.arange(n) % 3000)
        names, symbols = pa.array(genes.ids), pa.array(genes.symbols)
        self.gene_info = tsv_bytes(
            {"GeneID": names, "GeneSymbol": symbols, "mean": length, "median": length}
            | {"longest_isoform": length, "merged": length}
        )
        self.tx_info = tsv_bytes(
            {
                "TxID": pa.array(self.transcripts),
                "GeneID": pa.array(versioned[self.gene_of]),
                "GeneSymbol": pa.array(genes.symbols[self.gene_of]),
                "TxLength": pa.array(500 + np.arange(len(self.gene_of)) % 3000),
            }
        )


def run_list(projects: Iterable[Project], columns: Sequence[str]) -> str:
    """Lines of a run list, without the header."""
    return "".join(
        "\t".join(cells[name] for name in columns) + "\n"
        for project in projects
        for cells in run_cells(project).values()
    )


def run_cells(project: Project) -> dict[str, dict[str, str]]:
    """What the run list has of each run, by the names of its columns."""
    title = dict(zip(map(str, project.samples.index), titles(project), strict=True))
    sra = dict(zip(map(str, project.samples.index), project.sra_samples, strict=True))
    return {
        run.accession: {
            "SRR_accession": run.accession,
            "QC_summary": run.qc,
            "SRX_accession": run.experiment,
            "SRS_accession": sra[run.sample],
            "SRP_accession": project.accession,
            "Experiment_title": f"{run.sample}: {title[run.sample]}; {project.organism}; RNA-Seq",
            "GEO_series": project.series,
            "GSE_accession": project.series,
            "GSM_accession": run.sample,
        }
        for run in project.runs
    }


def project_lines(project: Project, number: int) -> str:
    """The header, which R repeats each time it appends, and the line of a project."""
    cells = {
        "query_accession": project.accession,
        "study_accession": project.accession,
        "title": project.title,
        "study_type": "Transcriptome Analysis",
        "GSE": project.series,
        "URL": f"https://dee2.io/huge/mmusculus/{bundle_name(project)}",
    }
    quoted = [f'"{cells[name]}"' if name in cells else "NA" for name in PROJECT_COLUMNS]
    header = "\t".join(f'"{name}"' for name in PROJECT_COLUMNS)
    return header + "\n" + "\t".join([f'"{number}"', *quoted]) + "\n"


def listing(names: Iterable[str], folder: str) -> str:
    """A folder as Apache shows it."""
    rows = [
        f'<tr><td><a href="{name}">{name}</a></td><td align="right">2020-01-02 03:04  </td></tr>'
        for name in sorted(names)
    ]
    head = f"<html><head><title>Index of {folder}</title></head><body><h1>Index of {folder}</h1>"
    return "\n".join([head, "<table>", *rows, "</table></body></html>"]) + "\n"


def bundle_name(project: Project) -> str:
    """Name of a project's bundle."""
    return f"{project.accession}_{project.series or 'NA'}.zip"


def archive(project: Project, runs: Sequence[str], reference: Reference, *, bundle: bool) -> bytes:
    """The archive of these runs, in this order: a bundle (in a folder) or a request's (without)."""
    at = {run.accession: i for i, run in enumerate(project.runs)}
    rows = [at[name] for name in runs]
    chosen = [project.runs[i] for i in rows]
    counts = project.counts[rows]
    cells = run_cells(project)
    members = {
        "README.md": b"# Digital Expression Explorer 2 (DEE2), simulated\n",
        "MetadataSummary.tsv": _metadata([cells[name] for name in sorted(runs)], CUT),
        "MetadataFull.tsv": _metadata([cells[name] for name in sorted(runs)], FULL),
        "GeneCountMatrix.tsv": _matrix("GeneID", reference.ids, runs, counts),
        "QC_Matrix.tsv": _qc_matrix("SeqMetric" if bundle else "SeqMetric2", chosen, counts),
        "TxCountMatrix.tsv": _matrix(
            "TxID",
            reference.transcripts,
            runs,
            np.round(counts[:, reference.gene_of] * reference.share, 4),
        ),
        "GeneInfo.tsv": reference.gene_info,
        "TxInfo.tsv": reference.tx_info,
    }
    members |= {f"logs/{run}.log": f"{run} done\n".encode() for run in runs}
    return zip_bytes(members, f"{bundle_name(project)[:-4]}/" if bundle else "")


def zip_bytes(members: Mapping[str, bytes], folder: str = "") -> bytes:
    """A zip archive, the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members.items():
            info = zipfile.ZipInfo(f"{folder}{name}", _DATE)
            file.writestr(info, data, zipfile.ZIP_DEFLATED, 1)
    return buffer.getvalue()


def tsv_bytes(columns: Mapping[str, pa.Array]) -> bytes:
    """Tab-separated text with a header."""
    buffer = io.BytesIO()
    buffer.write(("\t".join(columns) + "\n").encode())
    options = pa_csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pa_csv.write_csv(pa.table(dict(columns)), buffer, options)
    return buffer.getvalue()


def _matrix(
    corner: str, ids: npt.NDArray[np.str_], runs: Sequence[str], counts: npt.NDArray[np.generic]
) -> bytes:
    columns = {run: pa.array(row) for run, row in zip(runs, counts, strict=True)}
    return tsv_bytes({corner: pa.array(ids), **columns})


def _metadata(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> bytes:
    lines = ["\t".join(columns), *("\t".join(row[name] for name in columns) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _qc_matrix(corner: str, runs: Sequence[MirrorRun], counts: npt.NDArray[np.int32]) -> bytes:
    """Metrics by run; what is not simulated is NA."""
    assigned = counts.sum(axis=1)
    known = {
        "SequenceFormat": ["SE"] * len(runs),
        "NumReadsTotal": [str(int(n * 1.4)) for n in assigned],
        "NumReadsQcPass": [str(int(n * 1.3)) for n in assigned],
        "QcPassRate": ["92.8571%"] * len(runs),
        "STAR_AssignedReads": [str(n) for n in assigned],
        "QC_SUMMARY": [run.qc for run in runs],
    }
    lines = ["\t".join([corner, *(run.accession for run in runs)])]
    lines += [
        "\t".join([metric, *known.get(metric, ["NA"] * len(runs))])
        for metric in (*METRICS, "QC_SUMMARY")
    ]
    return ("\n".join(lines) + "\n").encode()

"""Tiny files in DEE2's formats, made from a few numbers."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

CUT = (
    "SRR_accession", "QC_summary", "SRX_accession", "SRS_accession", "SRP_accession",
    "Experiment_title", "GEO_series",
)  # fmt: skip
TSV = (*CUT[:5], "GEO_series", "Experiment_title")
OF_2018 = (*CUT[:5], "GSE_accession", "GSM_accession")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Tab-separated text."""
    return "".join("\t".join(map(str, row)) + "\n" for row in (header, *rows))


def zip_of(members: Mapping[str, str], folder: str = "") -> bytes:
    """A zip archive of texts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(f"{folder}{name}", text)
    return buffer.getvalue()


def members(
    counts: Mapping[str, Sequence[float]],
    genes: Sequence[str],
    qc: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The tables of an archive; every gene has two transcripts with a version, which share its counts."""
    runs = list(counts)
    gene_rows = [(gene, *(counts[run][i] for run in runs)) for i, gene in enumerate(genes)]
    tx_rows, tx_info = [], []
    for i, gene in enumerate(genes):
        for part, share in ((1, 0.25), (2, 0.75)):
            name = f"{gene.replace('G', 'T', 1)}{part}.3"
            tx_rows.append((name, *(counts[run][i] * share for run in runs)))
            tx_info.append((name, f"{gene}.7", f"S{i}", 1000))
    flags = qc or dict.fromkeys(runs, "PASS")
    # The author's matrices of metrics are in an order of their own.
    order = runs[::-1]
    return {
        "README.md": "read me",
        "GeneCountMatrix.tsv": table(("gene", *runs), gene_rows),
        "TxCountMatrix.tsv": table(("tx", *order), [(r[0], *r[:0:-1]) for r in tx_rows]),
        "TxInfo.tsv": table(("TxID", "GeneID", "GeneSymbol", "TxLength"), tx_info),
        "QC_Matrix.tsv": table(
            ("SeqMetric2", *order),
            [("NumReadsTotal", *range(len(order))), ("QC_SUMMARY", *(flags[r] for r in order))],
        ),
    }


def write(path: Path, content: bytes | str) -> Path:
    """Write a file and the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path

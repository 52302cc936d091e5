"""Annotations onto the gene axis: by symbol, MGI, Entrez or Ensembl id, and never by mistake."""

from collections.abc import Mapping

import pytest

from pipeline.enrich.annotation import EvidenceRules, Row, Rows
from pipeline.enrich.annotation_files import parse_annotation
from pipeline.enrich.gene_axis import put_on_axis
from pipeline.sources.genes import AMBIGUOUS, SYMBOL_ANY_CASE, GeneIndex
from storage.genes import GeneList

GENES = GeneList(
    ids=("ENSMUSG00000000001", "ENSMUSG00000000002", "ENSMUSG00000000003", "ENSMUSG00000000004"),
    symbols=("Gnai3", "Trp53", "Twin", "Twin"),
    biotypes=("protein_coding",) * 4,
    entrez=(("ENSMUSG00000000001", "14679"),),
    mgi=(("ENSMUSG00000000001", "MGI:95773"), ("ENSMUSG00000000002", "MGI:98834")),
)
INDEX = GeneIndex.from_list(GENES)


def locate(name: str) -> tuple[str | None, bool]:
    at, kind = INDEX.locate(name)
    if at == AMBIGUOUS:
        return "", True
    return (GENES.ids[at] if at >= 0 else None), kind != SYMBOL_ANY_CASE


def place(*names: Mapping[str, str]) -> tuple[list[str], dict[str, int]]:
    placed = put_on_axis(Rows([Row(name, "GO:1") for name in names]), locate)
    return [row.names["id"] for row in placed.rows], dict(placed.dropped)


@pytest.mark.parametrize(
    "name", ["Gnai3", "MGI:95773", "MGI:MGI:95773", "14679", "ENSMUSG00000000001.4"]
)
def test_a_gene_is_known_by_any_of_its_names(name: str) -> None:
    assert place({"id": name}) == (["ENSMUSG00000000001"], {})


def test_the_first_name_that_is_one_gene_s_decides() -> None:
    names = {"symbol": "Old name", "id": "MGI:98834"}, {"symbol": "Twin", "id": "MGI:0"}
    assert place(*names) == (["ENSMUSG00000000002"], {"gene name of several genes": 1})


def test_what_is_not_on_the_axis_is_counted() -> None:
    assert place({"id": "Gnai3"}, {"id": "Unknown"}, {"id": "MGI:7"}) == (
        ["ENSMUSG00000000001"],
        {"gene not on the axis": 2},
    )


def test_case_is_ignored_only_where_most_names_need_it() -> None:
    assert place({"id": "gnai3"}, {"id": "trp53"}) == (
        ["ENSMUSG00000000001", "ENSMUSG00000000002"],
        {"gene name taken without regard to case (kept)": 2},
    )
    assert place({"id": "Gnai3"}, {"id": "TRP53"}) == (
        ["ENSMUSG00000000001"],
        {"gene name fits only when case is ignored": 1},
    )


def gaf_row(symbol: str, taxon: str) -> str:
    cells = ["MGI", "MGI:1", symbol, "enables", "GO:1", "r", "IDA", "", "F", "", "", "protein"]
    return "\t".join([*cells, taxon, "20200101", "MGI", "", ""])


def test_only_the_taxon_asked_for_counts_and_the_header_is_kept() -> None:
    lines = [
        "!gaf-version: 2.2",
        "!date-generated: 2023-09-01",
        gaf_row("A", "taxon:10090"),
        gaf_row("B", "taxon:9606"),
        gaf_row("C", "taxon:10090|taxon:5691"),
    ]
    rows = parse_annotation(lines, "x.gaf", EvidenceRules(taxon="10090"))
    assert [row.names["symbol"] for row in rows.rows] == ["A", "C"]
    assert rows.dropped == {"taxon 9606": 1}
    assert rows.header == {"gaf-version": "2.2", "date-generated": "2023-09-01"}
    assert len(parse_annotation(lines, "x.gaf").rows) == 3


def test_gene2go_of_all_organisms_gives_those_of_one() -> None:
    lines = ["#tax_id\tGeneID\tGO_ID\tEvidence\tQualifier\tGO_term\tPubMed\tCategory"]
    lines += [f"{taxon}\t1\tGO:1\tIDA\t-\tx\t-\tProcess" for taxon in ("9606", "10090")]
    rows = parse_annotation(lines, "gene2go", EvidenceRules(taxon="10090"))
    assert (len(rows.rows), rows.dropped) == (1, {"taxon 9606": 1})

"""Reading annotations and gene lists: every row is used, or counted with its reason."""

import pytest

from pipeline.enrich.annotation import (
    DUPLICATE,
    MOVED,
    OBSOLETE,
    UNKNOWN,
    EvidenceRules,
    Rows,
    choose_kind,
    make_annotation,
)
from pipeline.enrich.annotation_files import parse_annotation
from pipeline.enrich.gene_list import GeneList, parse_gene_list
from storage.errors import InputError
from tests.test_enrich_ontology import read


def gaf(symbol: str, qualifier: str, term: str, evidence: str) -> str:
    cells = ["MGI", f"MGI:{len(symbol)}", symbol, qualifier, term, "PMID:1", evidence]
    return "\t".join([*cells, "", "P", "", "", "protein", "taxon:10090", "20260101", "MGI", "", ""])


GAF = "\n".join(
    [
        "!gaf-version: 2.2",
        gaf("Abc", "involved_in", "GO:4", "IDA"),
        gaf("Abc", "involved_in", "GO:4", "IEA"),
        gaf("Abcd", "NOT|involved_in", "GO:4", "IDA"),
        gaf("Abcde", "located_in", "GO:7", "ND"),
        gaf("Merbb4/iso:jm-a cyt-2", "colocalizes_with", "GO:7", "IEA"),
        gaf("Abcd", "involved_in", "GO:22", "ISO"),
        gaf("Abcd", "involved_in", "GO:8", "ISO"),
        gaf("Abcd", "involved_in", "GO:99", "ISO"),
        "MGI\tMGI:9\tShort",
        "",
    ]
)


def parse(text: str, name: str, rules: EvidenceRules | None = None) -> Rows:
    return parse_annotation(text.splitlines(keepends=True), name, rules)


def test_gaf_rows_are_used_or_counted() -> None:
    annotation = make_annotation(parse(GAF, "mgi.gaf"), read())
    assert annotation.genes == ("Abc", "Abcd", "Merbb4/iso:jm-a cyt-2")
    assert annotation.gene.tolist() == [0, 1, 2]
    assert annotation.term.tolist() == [3, 1, 5]
    assert annotation.dropped == {
        "NOT": 1,
        "evidence ND": 1,
        "columns missing": 1,
        DUPLICATE: 1,
        MOVED: 1,
        OBSOLETE: 1,
        UNKNOWN: 1,
    }


def test_evidence_and_qualifiers_can_be_chosen() -> None:
    rules = EvidenceRules(
        include=frozenset({"IDA", "IEA"}),
        exclude=frozenset(),
        drop_not=False,
        exclude_qualifiers=frozenset({"colocalizes_with"}),
    )
    rows = parse(GAF, "mgi.gaf", rules)
    assert [(row.names["symbol"], row.term) for row in rows.rows] == [
        ("Abc", "GO:4"),
        ("Abc", "GO:4"),
        ("Abcd", "GO:4"),
    ]
    assert rows.dropped["qualifier colocalizes_with"] == 1
    assert rows.dropped["evidence ISO"] == 3
    with pytest.raises(ValueError, match="both"):
        EvidenceRules(include=frozenset({"ND"}))


def test_the_kind_of_id_is_the_one_that_matches() -> None:
    rows = parse(GAF, "mgi.gaf")
    assert choose_kind(rows, ["Abc", "MGI:3", "MGI:4"]) == "id"
    assert choose_kind(rows, ["Abc", "Abcd"]) == "symbol"
    assert choose_kind(rows, ["x"]) == "symbol"
    assert choose_kind(rows, ["mgi:3"], ignore_case=True) == "id"
    assert make_annotation(rows, read(), kind="id").genes == ("MGI:21", "MGI:3", "MGI:4")


def test_gene2go_pairs_and_gmt_are_told_apart() -> None:
    gene2go = (
        "#tax_id\tGeneID\tGO_ID\tEvidence\tQualifier\tGO_term\tPubMed\tCategory\n"
        "10090\t11\tGO:4\tIDA\tinvolved_in\tleaf\t-\tProcess\n"
        "10090\t12\tGO:4\tIDA\tNOT involved_in\tleaf\t-\tProcess\n"
    )
    rows = parse(gene2go, "gene2go.gz")
    assert [row.names for row in rows.rows] == [{"id": "11"}]
    assert rows.dropped == {"NOT": 1}
    rows = parse("gene\tgo_id\na b\tGO:4\nc\tGO:2\nd\t\n", "pairs.tsv")
    assert [(row.names["id"], row.term) for row in rows.rows] == [("a b", "GO:4"), ("c", "GO:2")]
    assert rows.dropped == {"header": 1, "columns missing": 1}
    rows = parse("SET1\thttp://x.org\ta\tb\nSET2\tsome set\tb\t\nSET3\tempty\n", "sets.gmt.gz")
    assert [(row.names["id"], row.term) for row in rows.rows] == [
        ("a", "SET1"),
        ("b", "SET1"),
        ("b", "SET2"),
    ]
    assert rows.set_names == {"SET1": "SET1", "SET2": "some set"}
    assert rows.dropped == {"columns missing": 1}


@pytest.mark.parametrize(
    ("text", "genes"),
    [
        ("a\tGO:4\nb\tGO:2\n", ["a", "b"]),
        (GAF, ["MGI:3", "MGI:3", "MGI:21", "MGI:4", "MGI:4", "MGI:4"]),
        ("10090\t11\tGO:4\tIDA\t-\tleaf\t-\tProcess\n", ["11"]),
        ("#tax_id\tGeneID\n10090\t11\tGO:4\tIDA\t-\n", ["11"]),
        ("#Format: tax_id GeneID GO_ID\n10090\t11\tGO:4\tIDA\t-\n", ["11"]),
    ],
)
def test_comments_before_an_annotation_do_not_hide_its_format(text: str, genes: list[str]) -> None:
    for comment in ("", "# mine\n", "# gene\tterm\tof\tmine\n\n#\n"):
        assert [row.names["id"] for row in parse(comment + text, "x.tsv").rows] == genes


@pytest.mark.parametrize(
    ("text", "message"),
    [("a\tb\tc\n", "3 columns"), ("", "1 columns"), ("!gaf-version: 2.2\n", "no annotation that")],
)
def test_what_is_no_annotation_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(text, "x.tsv")


def genes(text: str, name: str = "list.txt", *, ignore_case: bool = False) -> GeneList:
    return parse_gene_list(text.splitlines(keepends=True), name, ignore_case=ignore_case)


def test_a_gene_list_is_read_as_it_is_written() -> None:
    assert genes("Gene\nA b\n\n# x\nC\n") == GeneList({"A b": 1.0, "C": 1.0}, False)
    assert genes("gene\tv\nA\t1\nB\t0\n") == GeneList({"A": 1.0, "B": 0.0}, True)
    assert genes("A,-1.5\nB,2e3\n", "x.csv") == GeneList({"A": -1.5, "B": 2000.0}, True)
    assert genes("") == GeneList({}, False)
    assert genes("Ab\naB\n", ignore_case=True).values == {"ab": 1.0}


def test_a_gene_with_1_and_0_is_a_candidate() -> None:
    assert genes("A\t0\nA\t1\nA\t0\n").values == {"A": 1.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A\t1\nB\n", "1 and 2 columns"),
        ("A\t1\t2\n", "3 columns"),
        ("A\t1\nB\tNA\n", "'NA' is no number"),
        ("A\t1\nB\tinf\n", "'inf' is no number"),
        ("A\t1.5\nA\t2\n", "'A' with 1.5 and 2"),
        ("A\t1\n\t1\n", "line 2 has no id"),
    ],
)
def test_a_list_that_can_be_read_in_two_ways_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        genes(text)


def test_a_bare_number_of_a_gaf_is_its_databases_and_no_entrez_id() -> None:
    line = "{}\t62031\tAbcd\t\tT:1\tR\tIDA\t\tP\t\t\tprotein\ttaxon:10116\t2020\tX\t\t\n"
    ids = [parse(line.format(name), "a.gaf").rows[0].names["id"] for name in ("RGD", "NCBI_Gene")]
    assert ids == ["RGD:62031", "62031"]

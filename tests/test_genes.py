"""The gene list: what a file of genes may look like, and what it gives."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import InputError
from storage.genes import GeneList, read_gene_list

SHARED = Path(__file__).parents[2] / "shared"
REAL = SHARED / "data" / "reference" / "mouse_ensembl_gene_annotation.tsv.gz"


def _write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_table_gives_ids_in_its_order_with_what_is_known_of_them(tmp_path: Path) -> None:
    genes = read_gene_list(
        _write(
            tmp_path / "genes.tsv",
            "ensgene\tentrez\tsymbol\tbiotype\n"
            "ENSMUSG00000000003\t54192\tPbsn\tprotein_coding\n"
            "ENSMUSG00000000001\t14679\tGnai3\tprotein_coding\n"
            "ENSMUSG00000000028\t\tNA\t\n",
        )
    )
    assert genes.ids == ("ENSMUSG00000000003", "ENSMUSG00000000001", "ENSMUSG00000000028")
    assert genes.symbols == ("Pbsn", "Gnai3", "")
    assert genes.biotypes == ("protein_coding", "protein_coding", "")
    assert genes.entrez == (("ENSMUSG00000000003", "54192"), ("ENSMUSG00000000001", "14679"))
    assert len(genes) == 3


def test_repeated_ids_collapse_to_the_first_and_keep_every_entrez_id(tmp_path: Path) -> None:
    genes = read_gene_list(
        _write(tmp_path / "g.csv", "gene_id,entrez,symbol\nA,1,a\nB,2,b\nA,3,other\nA,1,a\n")
    )
    assert genes.ids == ("A", "B")
    assert genes.symbols == ("a", "b")
    assert genes.entrez == (("A", "1"), ("B", "2"), ("A", "3"))


def test_versions_are_stripped_from_ensembl_ids_and_from_no_others(tmp_path: Path) -> None:
    genes = read_gene_list(
        _write(tmp_path / "g.txt", "ENSMUSG00000000001.4\nENSMUSG00000000001.5\nRP23-271O17.1\n")
    )
    assert genes.ids == ("ENSMUSG00000000001", "RP23-271O17.1")


@pytest.mark.parametrize("header", ["", "gene_id\n", "\ufeffgene_id\n", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_one_id_a_line_needs_no_header(tmp_path: Path, header: str, end: str) -> None:
    text = (header + "b\n\na\n").replace("\n", end)
    assert read_gene_list(_write(tmp_path / "g", text)).ids == ("b", "a")


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = _write(tmp_path / "genes.tsv", gzip.compress(b"gene_id\tsymbol\na\tA\n"))
    assert read_gene_list(path).symbols == ("A",)


def test_an_ensembl_column_is_preferred_to_one_that_may_hold_symbols(tmp_path: Path) -> None:
    text = "Gene,Gene stable ID,Gene name\nGnai3,ENSMUSG00000000001,Gnai3\n"
    genes = read_gene_list(_write(tmp_path / "g.csv", text))
    assert genes.ids == ("ENSMUSG00000000001",)
    assert genes.symbols == ("Gnai3",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"gene_id\tsymbol\n", "holds no gene ids"),
        (b"gene_id\n\nNA\n", "holds no gene ids"),
        (b"chromosome\tstart\n1\t2\n", "no column of gene ids among 'chromosome', 'start'"),
        (b"gene_id\tsymbol\na\tA\nb\n", "gene 2 ('b') has 1 fields where the header has 2"),
        (b"Gnai3 protein alpha\n", "is no gene id"),
        (b"\x00\x01\x02", "is no text"),
        (b"\xff\xfeg", "is no UTF-8 text"),
        (gzip.compress(b"gene_id\n" + b"abc\n" * 999, mtime=0)[:-12], "damaged gzip"),
    ],
)
def test_an_unusable_list_is_an_error_that_says_why(
    tmp_path: Path, content: bytes, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_gene_list(_write(tmp_path / "genes.tsv", content))
    assert says in str(caught.value)
    assert "genes.tsv" in str(caught.value)


def test_a_missing_list_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        read_gene_list(tmp_path / "nowhere.tsv")


def test_a_gene_list_refuses_ids_twice_and_columns_of_other_lengths() -> None:
    with pytest.raises(ValueError, match="unique"):
        GeneList(("a", "a"), ("", ""), ("", ""), ())
    with pytest.raises(ValueError, match="one symbol"):
        GeneList(("a", "b"), ("",), ("", ""), ())


@settings(deadline=None)
@given(ids=st.lists(st.text("abc123", min_size=1, max_size=4), min_size=2, unique=True))
def test_the_hash_is_of_the_ids_in_order_and_of_nothing_else(ids: list[str]) -> None:
    n = len(ids)
    plain = GeneList(tuple(ids), ("",) * n, ("",) * n, ())
    named = GeneList(tuple(ids), ("s",) * n, ("b",) * n, ((ids[0], "1"),))
    turned = GeneList(tuple(ids[::-1]), ("",) * n, ("",) * n, ())
    assert plain.sha256 == named.sha256
    assert plain.sha256 != turned.sha256


@pytest.mark.skipif(not REAL.exists(), reason="the shared reference data is not here")
def test_the_real_mouse_list_has_57010_genes() -> None:
    genes = read_gene_list(REAL)
    assert len(genes) == 57_010
    assert genes.ids[0] == "ENSMUSG00000000001"
    assert genes.symbols[0] == "Gnai3"
    assert genes.biotypes[0] == "protein_coding"
    assert len(genes.entrez) == 27_778


def test_mgi_ids_of_a_gene_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "genes.tsv"
    path.write_text("gene_id\tmgi_id\nENSMUSG1\tMGI:95772\nENSMUSG2\t\nENSMUSG1\tMGI:1\n")
    assert read_gene_list(path).mgi == (("ENSMUSG1", "MGI:95772"), ("ENSMUSG1", "MGI:1"))

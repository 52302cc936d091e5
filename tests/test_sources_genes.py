"""Rows onto the gene axis: every kind of id, what is ambiguous, what is lost, and that no count is."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.genes import (
    AMBIGUOUS,
    LOST,
    GeneIndex,
    MappingSettings,
    map_counts,
)
from pipeline.sources.refusal import Refusal
from pipeline.sources.table import CountTable, read_count_table
from storage.genes import GeneList, read_gene_list

SHARED = Path(__file__).parents[2] / "shared"
MOUSE = "ENSMUSG000000000"
GNAI3, PBSN, CDC45, SCML2, APOH, TWIN = (f"{MOUSE}{i:02d}" for i in (1, 3, 28, 37, 49, 99))
GENES = GeneList(
    ids=(GNAI3, PBSN, CDC45, SCML2, APOH, TWIN, "FBgn0000008"),
    symbols=("Gnai3", "Pbsn", "Cdc45", "Scml2", "Apoh", "Pbsn", "a"),
    biotypes=("protein_coding",) * 5 + ("lncRNA", ""),
    entrez=((GNAI3, "14679"), (PBSN, "54192"), (CDC45, "12544"), (CDC45, "777"), (SCML2, "777")),
)
INDEX = GeneIndex.from_list(GENES)
ANY = MappingSettings(max_lost_share=1, max_lost_rows_any_case=1)


def _table(ids: Sequence[str], counts: Sequence[Sequence[float]] | None = None) -> CountTable:
    values = np.array([range(1, len(ids) + 1)] if counts is None else counts, dtype=float)
    return CountTable(list(ids), [f"s{i}" for i in range(len(values))], values)


@pytest.mark.parametrize(
    ("name", "gene", "kind"),
    [
        (GNAI3, GNAI3, "id"),
        ("FBgn0000008", "FBgn0000008", "id"),
        (f"{GNAI3}.4", GNAI3, "id_version"),
        ("FBgn0000008.2", "FBgn0000008", "id_version"),
        (f"{GNAI3}|Gnai3", GNAI3, "joined"),
        (f"{GNAI3}|Renamed", GNAI3, "joined"),
        (f"{GNAI3}.4 Gnai3", GNAI3, "joined"),
        (f"{GNAI3}.4_Gnai3", GNAI3, "joined"),
        (f"Gnai3_{GNAI3}", GNAI3, "joined"),
        (f"Gnai3|{GNAI3}.12", GNAI3, "joined"),
        (f"{MOUSE}77|Gnai3", GNAI3, "joined"),
        ("MSTRG.3396|Gnai3", GNAI3, "joined"),
        ("14679|Gnai3", GNAI3, "joined"),
        ("Gnai3;Gnai3", GNAI3, "joined"),
        ("Gnai3", GNAI3, "symbol"),
        ("a", "FBgn0000008", "symbol"),
        ("GNAI3", GNAI3, "symbol_any_case"),
        ("A", "FBgn0000008", "symbol_any_case"),
        ("14679", GNAI3, "entrez"),
        ("LOC14679", GNAI3, "entrez"),
        ("14679.0", GNAI3, "entrez"),
        (f"gene:{GNAI3}", GNAI3, "joined"),
    ],
)
def test_each_kind_of_id_finds_its_gene(name: str, gene: str, kind: str) -> None:
    assert INDEX.locate(name) == (GENES.ids.index(gene), kind)


@pytest.mark.parametrize(
    "name", ["", "MSTRG.1", f"{MOUSE}77", f"{GNAI3}1", "99", "LOC99", "Gnai", "|"]
)
def test_what_no_gene_is_called_is_lost(name: str) -> None:
    assert INDEX.locate(name)[0] == LOST


@pytest.mark.parametrize("name", ["Gnai3|Apoh", "Gnai3,Cdc45", "14679;Scml2"])
def test_a_row_of_several_genes_is_ambiguous(name: str) -> None:
    assert INDEX.locate(name)[0] == AMBIGUOUS


def _decided(
    biotypes: tuple[str, str], entrez: tuple[tuple[str, str], ...], symbols: tuple[str, str]
) -> GeneIndex:
    return GeneIndex.from_list(GeneList(("g1", "g2"), symbols, biotypes, entrez))


def test_a_shared_symbol_is_of_the_gene_that_ncbi_knows_else_of_the_coding_one() -> None:
    both, coding, none = ("Same", "Same"), ("lncRNA", "protein_coding"), ("lncRNA", "lncRNA")
    assert INDEX.locate("Pbsn") == (GENES.ids.index(PBSN), "symbol")
    assert _decided(coding, (("g1", "5"),), both).locate("Same")[0] == 0
    assert _decided(coding, (), both).locate("Same")[0] == 1
    assert _decided(coding, (("g1", "5"), ("g2", "6")), both).locate("SAME")[0] == 1
    assert _decided(none, (("g1", "5"), ("g2", "5")), both).locate("Same")[0] == AMBIGUOUS


def test_a_shared_entrez_id_is_of_the_gene_that_has_no_other_else_of_the_coding_one() -> None:
    names, coding, none = ("A", "B"), ("lncRNA", "protein_coding"), ("lncRNA", "lncRNA")
    shared = (("g1", "5"), ("g2", "5"))
    assert INDEX.locate("777") == (GENES.ids.index(SCML2), "entrez")
    assert _decided(coding, (*shared, ("g2", "6")), names).locate("5")[0] == 0
    assert _decided(coding, shared, names).locate("5")[0] == 1
    assert _decided(none, shared, names).locate("5")[0] == AMBIGUOUS


def test_an_exact_symbol_comes_before_one_in_another_case() -> None:
    index = _decided(("", ""), (), ("abc", "ABC"))
    assert index.locate("abc") == (0, "symbol")
    assert index.locate("ABC") == (1, "symbol")
    assert index.locate("Abc")[0] == AMBIGUOUS


def test_rows_of_one_gene_are_summed_and_the_record_accounts_for_all() -> None:
    table = _table(
        [f"{GNAI3}.1", f"{GNAI3}.1", "Gnai3", "Apoh|Scml2", "MSTRG.1", "apoh"],
        [[1, 2, 4, 8, 16, 32.5], [0, 0, 1, 0, 0, 0]],
    )
    mapped = map_counts(table, INDEX, ANY)
    assert mapped.samples == ["s0", "s1"]
    assert mapped.counts.shape == (2, len(GENES))
    assert mapped.counts[0, [GENES.ids.index(GNAI3), GENES.ids.index(APOH)]].tolist() == [7, 32.5]
    assert mapped.counts.sum() == 40.5
    record = mapped.record
    assert (record.rows_mapped, record.rows_ambiguous, record.rows_lost) == (4, 1, 1)
    assert record.counts_mapped == pytest.approx(40.5 / 64.5)
    assert record.counts_ambiguous == pytest.approx(8 / 64.5)
    assert record.counts_lost == pytest.approx(16 / 64.5)
    assert record.id_kind == "id_version"
    assert record.kinds == {"id_version": 2, "symbol": 1, "symbol_any_case": 1}
    assert record.lost_examples == ("MSTRG.1", "Apoh|Scml2")


names = st.sampled_from(
    [*GENES.ids, *GENES.symbols, "GNAI3", "14679", "777", f"{APOH}.3", "x", "", "Gnai3|Apoh", "9"]
)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(names, st.integers(0, 1000), st.integers(0, 1000)), min_size=1),
    data=st.data(),
)
def test_no_count_is_made_or_lost_unseen_whatever_the_order_of_rows(
    rows: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    turned = data.draw(st.permutations(rows))
    first, second = (
        map_counts(
            _table(
                [r[0] for r in some] + [GNAI3],
                [[*c, 1] for c in zip(*[r[1:] for r in some], strict=True)],
            ),
            INDEX,
            ANY,
        )
        for some in (rows, turned)
    )
    np.testing.assert_array_equal(first.counts, second.counts)
    assert first.record.lost_examples == second.record.lost_examples
    total = sum(r[1] + r[2] for r in rows) + 2
    record = first.record
    assert first.counts.sum() == pytest.approx(record.counts_mapped * total)
    assert record.counts_mapped + record.counts_ambiguous + record.counts_lost == pytest.approx(1)
    assert record.rows_mapped + record.rows_ambiguous + record.rows_lost == len(rows) + 1


def test_a_study_that_loses_too_many_counts_is_refused_with_examples() -> None:
    table = _table([GNAI3, "old1", "old2"], [[75, 15, 10]])
    with pytest.raises(Refusal) as caught:
        map_counts(table, INDEX)
    assert caught.value.code == "ids_lost"
    assert "25.0% of the counts, in 2 of 3 rows" in caught.value.message
    assert "kind id; such as 'old1', 'old2'" in caught.value.message
    assert map_counts(table, INDEX, MappingSettings(max_lost_share=0.25)).counts.sum() == 75


def test_ids_of_another_organism_are_refused_with_the_question() -> None:
    with pytest.raises(Refusal, match=r"another organism \(ENSG… on an axis of ENSMUSG…\)\?"):
        map_counts(_table([f"ENSG{i:011d}.2" for i in range(9)]), INDEX, ANY)


def test_symbols_in_capitals_pass_when_they_are_the_axis_own_but_not_when_many_are_lost() -> None:
    own = [symbol.upper() for symbol in GENES.symbols[:5]]
    assert map_counts(_table(own), INDEX).record.id_kind == "symbol_any_case"
    human = _table([*own, "C16ORF90", "HLA-A"], [[100] * 5 + [1, 1]])
    with pytest.raises(Refusal, match="another organism") as caught:
        map_counts(human, INDEX)
    assert caught.value.code == "ids_lost"


def test_a_study_without_counts_is_mapped_and_its_samples_are_known_to_be_empty() -> None:
    mapped = map_counts(_table([GNAI3, "x"], [[0, 0], [3, 0], [0, 0]]), INDEX)
    assert mapped.empty_samples == ["s0", "s2"]
    mapped = map_counts(_table([GNAI3], [[0]]), INDEX)
    assert (mapped.record.counts_mapped, mapped.record.counts_lost) == (0, 0)
    with pytest.raises(Refusal):
        map_counts(_table(["x"], [[0]]), INDEX)


@pytest.mark.parametrize("name", ["max_lost_share", "max_lost_rows_any_case"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_settings_are_shares(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        MappingSettings(**{name: value})


def test_55000_versioned_rows_are_all_mapped() -> None:
    ids = tuple(f"ENSMUSG{i:011d}" for i in range(55_000))
    index = GeneIndex.from_list(GeneList(ids, ids, ("protein_coding",) * 55_000, ()))
    table = CountTable([f"{i}.3" for i in ids], [f"s{i}" for i in range(12)], np.ones((12, 55_000)))
    assert map_counts(table, index).counts.sum() == 12 * 55_000


@pytest.mark.skipif(not SHARED.exists(), reason="the shared studies are not here")
@pytest.mark.parametrize(
    ("study", "kind", "at_least"),
    [
        ("CCBR_nidap", "symbol", 0.95),
        ("GRN_Leavitt", "symbol", 0.96),
        ("GSE198862", "id", 0.998),
        ("GSE60450", "entrez", 0.97),
        ("GSE63310", "entrez", 0.98),
        ("GSE71176", "id", 0.97),
        ("GSE96870", "symbol", 0.949),
        ("PRJNA481474_DSS", "id_version", 0.998),
        ("PTH_Alekos2023", "joined", 0.969),
        ("RAW264_EV", "id", 0.999),
        ("SchwannC_EV", "id", 0.999),
        ("UCD_miR150_monocytes", "id_version", 1),
        ("human_GSE37704", "", 0),
        ("human_airway_GSE52778", "", 0),
    ],
)
def test_every_real_table_maps_or_is_of_another_organism(
    study: str, kind: str, at_least: float
) -> None:
    index = _real_index()
    table = read_count_table(SHARED / "data" / "studies" / study / "counts.tsv.gz")
    if kind:
        record = map_counts(table, index).record
        assert record.id_kind == kind
        assert record.counts_mapped >= at_least
        assert record.counts_ambiguous < 0.001
    else:
        with pytest.raises(Refusal, match="another organism"):
            map_counts(table, index)


_INDEX: list[GeneIndex] = []


def _real_index() -> GeneIndex:
    """The index of the real list, made once."""
    if not _INDEX:
        path = SHARED / "data" / "reference" / "mouse_ensembl_gene_annotation.tsv.gz"
        _INDEX.append(GeneIndex.from_list(read_gene_list(path)))
    return _INDEX[0]

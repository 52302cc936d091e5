"""Queries answer what the arrays hold."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from storage.disk import Disk
from storage.errors import InputError
from storage.open import contrasts_of, open_compendium
from storage.parts import write_part
from storage.query import (
    find_contrast,
    find_gene,
    query_block,
    query_contrast,
    query_gene,
    top_contrasts,
    top_genes,
)
from storage.schema import STATISTICS
from tests.support.parts import compile_entries, entry, make_compendium, make_genes, make_part


@pytest.fixture
def tree(tmp_path: Path) -> xr.DataTree:
    make_compendium(Disk(tmp_path))
    return open_compendium(tmp_path)


def test_a_gene_is_found_by_id_version_or_symbol(tree: xr.DataTree) -> None:
    for name in (
        "ENSMUSG00000000006",
        "ENSMUSG00000000006.12",
        "Gene5",
        "gene5",
        "ENSMUSG00000000006|Gene5",
    ):
        assert find_gene(tree, name) == "ENSMUSG00000000006"


def test_a_symbol_of_two_genes_is_refused_with_both(tree: xr.DataTree) -> None:
    with pytest.raises(InputError, match=r"2 genes: ENSMUSG00000000003 .*ENSMUSG00000000004"):
        find_gene(tree, "Gene2")


def test_an_unknown_gene_or_contrast_is_told_the_nearest(tree: xr.DataTree) -> None:
    with pytest.raises(InputError, match="did you mean Gene2"):
        find_gene(tree, "Gne277")
    with pytest.raises(InputError, match="no gene of the compendium is called 42; it takes"):
        find_gene(tree, "42")
    with pytest.raises(
        InputError, match="study S2 has: S2:level0_vs_control, S2:level1_vs_control"
    ):
        find_contrast(tree, "S2:nothing")
    with pytest.raises(InputError, match="did you mean S"):
        find_contrast(tree, "S9:level0_vs_control")


def test_a_study_with_one_contrast_is_enough_to_name_it(tree: xr.DataTree) -> None:
    assert find_contrast(tree, "S1") == "S1:level0_vs_control"
    with pytest.raises(InputError, match="study S0 has"):
        find_contrast(tree, "S0")


def test_a_study_is_found_by_its_own_name_and_as_ids_have_it(tmp_path: Path) -> None:
    disk, genes = Disk(tmp_path), make_genes(20)
    parts = [make_part("my study", 1, genes), make_part("a:b", 2, genes)]
    for part in parts:
        write_part(disk, part)
    compile_entries(disk, genes, [*map(entry, parts)])
    tree = open_compendium(tmp_path)
    for name in ("my study", "my%20study", "my%20study:level0_vs_control"):
        assert find_contrast(tree, name) == "my%20study:level0_vs_control"
    for name in ("a:b", "a%3Ab", "a%3Ab:nothing"):
        with pytest.raises(
            InputError, match="study a:b has: a%3Ab:level0_vs_control, a%3Ab:level1"
        ):
            find_contrast(tree, name)


def test_a_gene_query_is_the_gene_s_column(tree: xr.DataTree) -> None:
    table = query_gene(tree, "Gene7")
    contrasts = contrasts_of(tree)
    assert list(table.index) == list(contrasts.indexes["contrast"])
    for variable in STATISTICS:
        np.testing.assert_array_equal(table[variable.name], contrasts[variable.name].values[:, 7])
    assert list(table["study"]) == ["S0", "S0", "S1", "S2", "S2", "S2"]


def test_a_contrast_query_is_the_contrast_s_row(tree: xr.DataTree) -> None:
    table = query_contrast(tree, "S2:level1_vs_control")
    contrasts = contrasts_of(tree)
    assert list(table.index) == list(contrasts.indexes["gene"])
    for variable in STATISTICS:
        np.testing.assert_array_equal(table[variable.name], contrasts[variable.name].values[4])


def test_a_block_comes_in_the_order_asked_for_with_repeats(tree: xr.DataTree) -> None:
    genes, ids = (
        ["Gene9", "ENSMUSG00000000001", "Gene9"],
        ["S2:level2_vs_control", "S0:level0_vs_control"],
    )
    block = query_block(tree, genes, ids, "t")
    whole = contrasts_of(tree)["t"].values
    np.testing.assert_array_equal(block.to_numpy(), whole[np.ix_([5, 0], [9, 0, 9])])
    assert list(block.index) == ids
    with pytest.raises(InputError, match="p_value is no statistic; there are logfc"):
        query_block(tree, genes, ids, "p_value")


def test_the_top_holds_only_tested_rows_in_order(tree: xr.DataTree) -> None:
    for by, column in (("p", "neg_log10_p"), ("logfc", "logfc"), ("t", "t")):
        table = top_genes(tree, "S1", 10, by)  # type: ignore[arg-type]
        whole = query_contrast(tree, "S1")
        size = whole[column] if by == "p" else whole[column].abs()
        assert len(table) == 10
        assert table["t"].notna().all()
        np.testing.assert_array_equal(
            table[column] if by == "p" else table[column].abs(),
            size[whole["t"].notna()].sort_values(ascending=False)[:10],
        )
    assert len(top_contrasts(tree, "Gene7", 100)) == query_gene(tree, "Gene7")["t"].notna().sum()

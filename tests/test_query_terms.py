"""Terms: found by id or name, asked for over contrasts, and of one contrast, from Python and as a command."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.commands.which_terms import terms_store
from pipeline.workspace import Workspace
from storage.enrichment_schema import DIRECTIONS
from storage.errors import InputError
from storage.open import enrichment_of, open_compendium
from storage.query_terms import find_term, query_contrast_terms, query_term, top_enriched
from tests.support.whole_run import run_enrichment, run_whole
from tests.support.workspaces import make_workspace, write_terms

CONTRAST = "S1:drug_vs_control"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A compendium with terms."""
    root = tmp_path_factory.mktemp("terms")
    workspace = make_workspace(root)
    run_whole(workspace)
    workspace = Workspace(workspace.root, replace(workspace.config, enrich=write_terms(root)))
    run_enrichment(workspace)
    return workspace


@pytest.fixture(scope="module")
def tree(workspace: Workspace) -> xr.DataTree:
    return open_compendium(workspace.root)


def test_a_term_is_found_by_id_or_by_its_name_in_any_case(tree: xr.DataTree) -> None:
    terms = enrichment_of(tree)
    for name in ("T:01", "process changed", "Process Changed"):
        assert find_term(terms, name) == "T:01"


@pytest.mark.parametrize(
    ("name", "message"),
    [("proces changed", "did you mean 'process changed'"), ("GO:1", "it takes an id or a name")],
)
def test_a_term_that_is_not_there_is_told_with_the_nearest(
    tree: xr.DataTree, name: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        find_term(enrichment_of(tree), name)


def test_a_term_over_the_contrasts_holds_what_the_arrays_hold(tree: xr.DataTree) -> None:
    terms = enrichment_of(tree)
    table = query_term(tree, "T:02")
    n = terms.sizes["contrast"]
    assert list(table["direction"]) == list(DIRECTIONS) * n
    assert list(table.index) == [c for c in terms.indexes["contrast"] for _ in DIRECTIONS]
    for name in ("overlap", "fwer", "label_raw"):
        np.testing.assert_array_equal(table[name], terms[name].sel(term="T:02").values.ravel())
    process = list(terms["domain"].values).index("process")
    np.testing.assert_array_equal(
        table["n_candidates"], terms["n_candidates"][:, :, process].values.ravel()
    )
    np.testing.assert_array_equal(table["test"][::3], tree["contrasts"]["test"].values)


def test_the_terms_of_a_contrast_hold_what_the_arrays_hold(tree: xr.DataTree) -> None:
    terms = enrichment_of(tree).sel(contrast=CONTRAST)
    table = query_contrast_terms(tree, CONTRAST)
    assert len(table) == 3 * terms.sizes["term"]
    for place, direction in enumerate(DIRECTIONS):
        rows = table[table["direction"] == direction]
        assert list(rows.index) == list(terms.indexes["term"])
        for name in ("overlap", "neg_log10_p", "label"):
            np.testing.assert_array_equal(rows[name], terms[name][place].values)
        for domain in ("process", "component"):
            inside = rows["domain"] == domain
            assert set(rows["n_candidates"][inside]) == {
                int(terms["n_candidates"].sel(domain=domain)[place])
            }


def test_the_top_has_the_enriched_alone_best_first(tree: xr.DataTree) -> None:
    for by, label, rate in (("fwer", "label", "fwer"), ("rank", "label_rank", "rank_fwer")):
        every = query_term(tree, "T:01")
        top = top_enriched(every, 100, by)  # type: ignore[arg-type]
        assert len(top) == (every[label] == 1).sum() > 1
        assert (top[label] == 1).all()
        assert top[rate].is_monotonic_increasing
        assert len(top_enriched(every, 1, by)) == 1  # type: ignore[arg-type]


def write_config(workspace: Workspace) -> None:
    config = workspace.config
    assert config.enrich is not None
    (workspace.root / "dexome.toml").write_text(
        f'[genes]\nlist = "{config.genes.list}"\n[source]\npath = "{config.source.path}"\n'
        f'[enrich]\nannotation = "{config.enrich.annotation}"\nontology = "{config.enrich.ontology}"\n'
        "[enrich.tests]\nrandom_sets = 50\nmin_candidates = 3\n"
    )


def ask(workspace: Workspace, *arguments: str) -> str:
    result = CliRunner().invoke(
        app, [*arguments, "-w", str(workspace.root)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_shows_where_a_term_is_enriched(workspace: Workspace) -> None:
    lines = ask(workspace, "query", "term", "process changed", "--top", "3").splitlines()
    assert len(lines) == 4
    header = lines[0].split("\t")
    assert header[:2] == ["contrast", "factor"]
    assert {"direction", "overlap", "fwer", "p_value"} <= set(header)
    rows = json.loads(ask(workspace, "query", "term", "T:01", "--all", "--json"))
    assert len(rows) == 12
    assert {row["label"] for row in rows} <= {-1, 0, 1}


def test_a_contrast_comes_with_its_terms_and_says_so_where_none_is_enriched(
    workspace: Workspace, tmp_path: Path
) -> None:
    both = ask(workspace, "query", "contrast", CONTRAST, "--top", "5")
    assert "process changed" in both
    assert both.startswith("gene\t")
    only = ask(workspace, "query", "contrast", CONTRAST, "--terms", "--top", "5")
    assert only.startswith("term\t")
    assert (
        len(json.loads(ask(workspace, "query", "contrast", CONTRAST, "--json", "--top", "5"))) == 5
    )
    out = tmp_path / "terms.tsv"
    ask(workspace, "query", "contrast", CONTRAST, "--terms", "--all", "--out", str(out))
    assert len(pd.read_csv(out, sep="\t")) == 3 * 6
    none = ask(workspace, "query", "term", "process few")
    assert none.strip() == "T:03 is enriched in no contrast; --all shows every one"


def test_the_enrich_command_and_status_name_the_store(workspace: Workspace) -> None:
    write_config(workspace)
    # The layout of a real store is another than that of these tests: it is written again, and only once.
    assert json.loads(ask(workspace, "enrich", "--json"))["new"]
    told = json.loads(ask(workspace, "enrich", "--json"))
    assert (told["studies"], told["known"], told["new"]) == (3, 3, False)
    assert told["address"] in ask(workspace, "status")
    assert json.loads(ask(workspace, "status", "--json"))["enrichments"] == [told["address"]]


def test_a_question_is_of_the_settings_that_there_are_and_not_of_the_newest_store(
    tmp_path: Path,
) -> None:
    root = make_workspace(tmp_path)
    run_whole(root)
    enrich = write_terms(tmp_path)
    for sets in (50, 30):
        tests = replace(enrich.tests, random_sets=sets)
        own = Workspace(root.root, replace(root.config, enrich=replace(enrich, tests=tests)))
        run_enrichment(own)
    tree = open_compendium(root.root)
    assert enrichment_of(tree).attrs["tests"].count('"random_sets": 30') == 1
    write_config(Workspace(root.root, replace(root.config, enrich=enrich)))
    store = terms_store(tree, root.root)
    assert enrichment_of(tree, store).attrs["tests"].count('"random_sets": 50') == 1
    enrich.annotation.unlink()
    assert terms_store(tree, root.root) is None, "without the files the newest is asked"


def test_what_orders_genes_orders_no_terms(workspace: Workspace) -> None:
    write_config(workspace)
    runner = CliRunner()
    at = ["-w", str(workspace.root)]
    for order, words in (("t", ["--terms"]), ("rank", [])):
        done = runner.invoke(app, ["query", "contrast", CONTRAST, "--by", order, *words, *at])
        assert done.exit_code == 2
        assert f"--by {order} orders" in done.output
    by_rank = ask(workspace, "query", "contrast", CONTRAST, "--terms", "--by", "rank", "--json")
    table = query_contrast_terms(open_compendium(workspace.root), CONTRAST)
    assert [row["term"] for row in json.loads(by_rank)] == list(
        top_enriched(table, by="rank").index
    )

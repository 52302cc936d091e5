"""`dexome go`: what it writes, what it says, and how it refuses."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from scipy import stats
from typer.testing import CliRunner, Result

from pipeline.commands.go import go
from storage.errors import DexomeError
from tests.test_enrich_study import N_GENES, random_annotation, random_ontology

app = typer.Typer()
app.command()(go)

COLUMNS = ["domain", "term", "name", "n_term", "n_overlap"]
LIST_COLUMNS = [*COLUMNS, "p_under", "p_over", "fwer_under", "fwer_over", "refined_p"]
RANK_COLUMNS = [*COLUMNS, "p_low", "p_high", "fwer_low", "fwer_high", "refined_p"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refusal(*arguments: object) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, DexomeError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An ontology, an annotation and lists of genes, as files."""
    ontology = random_ontology(0)
    annotation = random_annotation(0, ontology)
    lines = ["format-version: 1.2"]
    for i, term in enumerate(ontology.ids):
        domain = ontology.domains[ontology.domain_of[i]]
        lines += ["", "[Term]", f"id: {term}", f"name: {ontology.names[i]}", f"namespace: {domain}"]
        lines += [f"is_a: {ontology.ids[p]}" for p in ontology.parent[ontology.child == i]]
    (tmp_path / "go.obo").write_text("\n".join(lines) + "\n")
    pairs = [
        f"{annotation.genes[g]}\t{ontology.ids[t]}\n"
        for g, t in zip(annotation.gene, annotation.term, strict=True)
    ]
    (tmp_path / "pairs.tsv").write_text("".join(pairs))
    rng = np.random.default_rng(0)
    chosen = [annotation.genes[i] for i in rng.permutation(N_GENES)[:40]]
    (tmp_path / "list.txt").write_text("\n".join(chosen) + "\n")
    scores = [
        f"{gene}\t{value}\n"
        for gene, value in zip(annotation.genes, rng.normal(size=N_GENES), strict=True)
    ]
    (tmp_path / "scores.tsv").write_text("gene\tscore\n" + "".join(scores))
    return tmp_path


def base(folder: Path, genes: str = "list.txt", out: str = "out.tsv") -> list[object]:
    files = ["--ontology", folder / "go.obo", "--annotation", folder / "pairs.tsv"]
    return [folder / genes, *files, "--random-sets", 100, "--out", folder / out]


def read(folder: Path, out: str = "out.tsv") -> pd.DataFrame:
    return pd.read_csv(folder / out, sep="\t")


def test_a_list_against_all_annotated_genes(folder: Path) -> None:
    done = run(*base(folder))
    assert done.exit_code == 0, done.output
    table = read(folder)
    assert list(table.columns) == LIST_COLUMNS
    roots = table[table["p_over"] == 1].set_index("term").loc[["T000", "T001"]]
    for _, root in roots.iterrows():
        part = table[table["domain"] == root["domain"]]
        want = stats.hypergeom.sf(
            part["n_overlap"] - 1, root["n_term"], part["n_term"], root["n_overlap"]
        )
        np.testing.assert_allclose(part["p_over"], want, rtol=1e-9)
    assert table["fwer_over"].is_monotonic_increasing
    assert table["refined_p"].isna().all()


def test_the_order_of_lines_changes_nothing_and_the_seed_does(folder: Path) -> None:
    run(*base(folder))
    lines = (folder / "list.txt").read_text().splitlines()
    (folder / "turned.txt").write_text("\r\n".join([*lines[::-1], lines[0]]))
    done = run(*base(folder, "turned.txt", "turned.tsv"))
    assert "1 rows of turned.txt repeat an id" in done.output
    assert (folder / "turned.tsv").read_bytes() == (folder / "out.tsv").read_bytes()
    run(*base(folder, out="seed.tsv"), "--seed", 1)
    columns = ["domain", "term", "p_over"]
    one, other = (read(folder, name).sort_values("term") for name in ("out.tsv", "seed.tsv"))
    assert one[columns].to_numpy().tolist() == other[columns].to_numpy().tolist()
    assert (one["fwer_over"].to_numpy() != other["fwer_over"].to_numpy()).any()


def test_rows_with_0_and_a_background_file_are_the_same_background(folder: Path) -> None:
    chosen = (folder / "list.txt").read_text().split()
    rest = [f"g{i:04}" for i in range(200)]
    (folder / "background.txt").write_text("\n".join([*rest, *chosen]))
    rows = [f"{g}\t1\n" for g in chosen] + [f"{g}\t0\n" for g in rest]
    (folder / "table.tsv").write_text("".join(rows))
    run(*base(folder, out="a.tsv"), "--background", folder / "background.txt")
    run(*base(folder, "table.tsv", "b.tsv"))
    assert (folder / "a.tsv").read_bytes() == (folder / "b.tsv").read_bytes()
    run(*base(folder, out="c.tsv"))
    assert (folder / "a.tsv").read_bytes() != (folder / "c.tsv").read_bytes()
    message = refusal(*base(folder, "table.tsv"), "--background", folder / "background.txt")
    assert "leave out --background" in message


def test_a_background_without_annotated_genes_is_refused_and_unknown_ones_are_told(
    folder: Path,
) -> None:
    background = folder / "background.txt"
    background.write_text("GENE1\nGENE2\n")
    message = refusal(*base(folder), "--background", background)
    assert "none of the 2 ids of background.txt is in pairs.tsv" in message
    assert not (folder / "out.tsv").exists()
    background.write_text("GENE1\ng0001\ng0002\n")
    done = run(*base(folder), "--background", background)
    assert "1 of 3 ids of background.txt have no annotation, for example 'GENE1'" in done.output
    background.write_text("")
    assert "background.txt has no ids" in refusal(*base(folder), "--background", background)


def test_only_genes_of_one_taxon_are_the_background(folder: Path) -> None:
    pairs = [line.split("\t") for line in (folder / "pairs.tsv").read_text().splitlines()]
    rows = [f"10090\t{gene}\t{term}\tIDA\t-\tx\t-\tP\n" for gene, term in pairs]
    others = [row.replace("10090", taxon).replace("g0", "h0") for row in rows for taxon in "67"]
    (folder / "gene2go").write_text("#tax_id\tGeneID\n" + "".join([*others, *rows]))
    arguments = [*base(folder, out="one.tsv"), "--annotation", folder / "gene2go"]
    message = refusal(*arguments)
    assert "gene2go has genes of 3 taxa (" in message
    assert "--taxon" in message
    done = run(*arguments, "--taxon", 10090)
    assert done.exit_code == 0, done.output
    assert f"gene2go: {2 * len(pairs)} rows of other taxa" in done.output
    run(*base(folder))
    assert (folder / "one.tsv").read_bytes() == (folder / "out.tsv").read_bytes()
    assert "has no annotation that counts" in refusal(*arguments, "--taxon", 1)
    assert "pairs.tsv tells no taxa" in refusal(*base(folder), "--taxon", 10090)


def test_a_ranking_gives_low_and_high_and_parquet_holds_the_same(folder: Path) -> None:
    arguments = ["--test", "ranksum", "--refine", "0.9"]
    done = run(*base(folder, "scores.tsv"), *arguments)
    assert done.exit_code == 0, done.output
    table = read(folder)
    assert list(table.columns) == RANK_COLUMNS
    assert table["refined_p"].notna().any()
    run(*base(folder, "scores.tsv", "out.parquet"), *arguments)
    again = pd.read_parquet(folder / "out.parquet")
    assert again["p_high"].tolist() == table["p_high"].tolist()


def test_relations_are_followed_as_asked(folder: Path) -> None:
    text = (folder / "go.obo").read_text().replace("is_a: T000", "relationship: regulates T000")
    (folder / "go.obo").write_text(text)
    run(*base(folder, out="all.tsv"))
    run(*base(folder, out="safe.tsv"), "--relations", "is_a_part_of")
    sizes = [
        read(folder, f"{name}.tsv").set_index("term")["n_term"]["T000"] for name in ("all", "safe")
    ]
    assert sizes[0] > sizes[1]


def test_case_matters_unless_ignored(folder: Path) -> None:
    run(*base(folder))
    (folder / "upper.txt").write_text((folder / "list.txt").read_text().upper())
    message = refusal(*base(folder, "upper.txt"))
    assert "none of the 40 ids of upper.txt is in pairs.tsv" in message
    assert "--ignore-case" in message
    assert run(*base(folder, "upper.txt", "upper.tsv"), "--ignore-case").exit_code == 0
    assert (folder / "upper.tsv").read_bytes() == (folder / "out.tsv").read_bytes()


def test_no_candidates_is_a_row_with_its_reason(folder: Path) -> None:
    (folder / "empty.txt").write_text("")
    done = run(*base(folder, "empty.txt"))
    assert done.exit_code == 0, done.output
    table = read(folder)
    assert list(table.columns) == LIST_COLUMNS
    assert table["term"].tolist() == ["not testable"] * 2
    assert table["name"].unique().tolist() == ["no candidate is annotated in this domain"]
    assert "a: not testable, no candidate" in done.output
    run(*base(folder, "empty.txt"), "--test", "ranksum")
    assert list(read(folder).columns) == RANK_COLUMNS


def test_a_domain_without_candidates_is_a_row_and_the_others_are_tested(folder: Path) -> None:
    with (folder / "pairs.tsv").open("a") as file:
        file.write("only b\tT001\n")
    (folder / "one.txt").write_text("only b\nunheard of\n")
    done = run(*base(folder, "one.txt"))
    table = read(folder)
    assert (table["domain"] == "a").sum() == 1
    assert table[table["domain"] == "a"]["term"].tolist() == ["not testable"]
    assert (table["domain"] == "b").sum() > 20
    assert "1 of 2 ids of one.txt have no annotation, for example 'unheard of'" in done.output


def test_gmt_needs_no_ontology_and_other_annotation_does(folder: Path) -> None:
    (folder / "sets.gmt").write_text("S1\tfirst\tg0001\tg0002\nS2\tsecond\tg0002\tg0003\tg0004\n")
    (folder / "two.txt").write_text("g0002\ng0001\n")
    options = ["--out", folder / "out.tsv", "--annotation"]
    done = run(folder / "two.txt", *options, folder / "sets.gmt")
    assert done.exit_code == 0, done.output
    table = read(folder)
    assert table[["domain", "term", "name", "n_term", "n_overlap"]].to_numpy().tolist() == [
        ["gene_sets", "S1", "first", 2, 2],
        ["gene_sets", "S2", "second", 3, 1],
    ]
    assert "--ontology is missing" in refusal(folder / "two.txt", *options, folder / "pairs.tsv")


def test_files_and_settings_that_can_not_be_used_are_refused(folder: Path) -> None:
    assert "no scores" in refusal(*base(folder), "--test", "ranksum")
    assert "use --test ranksum" in refusal(*base(folder, "scores.tsv"))
    background = ["--background", folder / "list.txt"]
    assert "not for --test ranksum" in refusal(
        *base(folder, "scores.tsv"), "--test", "ranksum", *background
    )
    assert "between 0 and 1" in refusal(*base(folder), "--refine", 2)
    assert "must end in" in refusal(*base(folder, out="out.xlsx"))
    assert "does not exist" in refusal(*base(folder, out="absent/out.tsv"))
    assert "can't be read" in refusal(*base(folder, "absent.txt"))
    (folder / "pairs.tsv").write_text("g0001\tGO:1\n")
    assert "no term of pairs.tsv is in the ontology" in refusal(*base(folder))
    (folder / "go.obo").write_text("<html>")
    assert "web page" in refusal(*base(folder))
    assert not list(folder.glob(".tmp-*"))

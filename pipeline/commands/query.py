"""The commands that ask the compendium: query gene, query contrast, query term."""

from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer

from pipeline.commands.options import HERE, JsonOption, WorkspaceOption
from pipeline.commands.output import echo_json, echo_table, records
from pipeline.commands.tables import check_out, write_table
from pipeline.commands.which_terms import terms_store
from pipeline.workspace import compendium_files
from storage.open import enrichment_of, has_enrichment, open_compendium
from storage.query import (
    Order,
    find_contrast,
    find_gene,
    query_contrast,
    query_gene,
    top_contrasts,
    top_genes,
)
from storage.query_terms import Test, find_term, query_contrast_terms, query_term, top_enriched

TERMS_SHOWN = 10

app = typer.Typer(no_args_is_help=True, help="Ask the compendium for a gene, a contrast or a term.")

TopOption = Annotated[int, typer.Option("--top", min=1, help="How many rows to show.")]
AllOption = Annotated[
    bool, typer.Option("--all", help="Every row, in the compendium's order, untested too.")
]
ByOption = Annotated[Order, typer.Option("--by", help="What the top is ordered by: p, logfc or t.")]
TestOption = Annotated[
    Test, typer.Option("--by", help="Whose labels, and order: fwer (of candidates) or rank (sums).")
]
AnyOrder = Literal["p", "logfc", "t", "fwer", "rank"]
AnyByOption = Annotated[
    AnyOrder | None,
    typer.Option(
        "--by",
        help="What the top is ordered by: p, logfc or t; with --terms: fwer or rank.",
        show_default="p, or fwer",
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="Write the rows to a .tsv, .csv (.gz) or .parquet file."),
]


@app.command()
def gene(
    name: Annotated[str, typer.Argument(help="Gene id, with or without version, or symbol.")],
    top: TopOption = 20,
    every: AllOption = False,
    by: ByOption = "p",
    out: OutOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """One gene over the contrasts: where does it change most?"""
    if out is not None:
        check_out(out)
    tree = open_compendium(compendium_files(workspace), beside="")
    found = find_gene(tree, name)
    table = query_gene(tree, found) if every else top_contrasts(tree, found, top, by)
    if table.empty and out is None and not as_json:
        typer.echo(f"{found} is tested in no contrast; --all shows every one")
        return
    _show(table, found, out, as_json)


@app.command()
def term(
    name: Annotated[str, typer.Argument(help="Term id, GO:0006955, or name.")],
    top: TopOption = 20,
    every: AllOption = False,
    by: TestOption = "fwer",
    out: OutOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """One term over the contrasts: in which is it enriched, up, down or both?"""
    if out is not None:
        check_out(out)
    tree = open_compendium(compendium_files(workspace), beside="enrichment-*")
    store = terms_store(tree, workspace)
    found = find_term(enrichment_of(tree, store), name)
    table = query_term(tree, found, store=store)
    shown = table if every else top_enriched(table, top, by)
    if shown.empty and out is None and not as_json:
        typer.echo(f"{found} is enriched in no contrast; --all shows every one")
        return
    _show(shown, found, out, as_json)


@app.command()
def contrast(
    name: Annotated[
        str, typer.Argument(help="Contrast id, STUDY:TEST_vs_REFERENCE, or a study's only one.")
    ],
    top: TopOption = 20,
    every: AllOption = False,
    by: AnyByOption = None,
    terms: Annotated[bool, typer.Option("--terms", help="Its terms instead of its genes.")] = False,
    out: OutOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """One contrast over the genes: what changes most? With an enrichment, its terms too."""
    if out is not None:
        check_out(out)
    of_terms, of_genes = _orders(by, terms)
    disk = compendium_files(workspace)
    tree = open_compendium(disk, beside="enrichment-*" if terms else "")
    found = find_contrast(tree, name)
    if terms:
        table = query_contrast_terms(tree, found, store=terms_store(tree, workspace))
        shown = table if every else top_enriched(table, top, of_terms)
        if shown.empty and out is None and not as_json:
            typer.echo(f"no term is enriched in {found}; --all shows every one")
            return
        _show(shown, found, out, as_json)
        return
    table = query_contrast(tree, found) if every else top_genes(tree, found, top, of_genes)
    _show(table, found, out, as_json)
    if out is not None or as_json or every:
        return
    # Genes are shown whatever is the matter with terms.
    tree = open_compendium(disk, str(tree.attrs["generation"]), beside="enrichment-*")
    if has_enrichment(tree):
        table = query_contrast_terms(tree, found, store=terms_store(tree, workspace))
        enriched = top_enriched(table, min(top, TERMS_SHOWN))
        typer.echo("" if len(enriched) else "\nno term is enriched; --terms --all shows every one")
        if len(enriched):
            echo_table(as_shown(enriched), f"terms of {found}")


def _orders(by: AnyOrder | None, terms: bool) -> tuple[Test, Order]:
    """By what the terms of a contrast are ordered, and its genes."""
    match by:
        case "fwer" | "rank":
            if not terms:
                raise typer.BadParameter(
                    f"--by {by} orders terms; add --terms, or give p, logfc or t"
                )
            return by, "p"
        case None:
            return "fwer", "p"
        case _:
            if terms:
                raise typer.BadParameter(f"--by {by} orders genes; with --terms it is fwer or rank")
            return "fwer", by


def as_shown(table: pd.DataFrame) -> pd.DataFrame:
    """A query's result as people read it: the labels as columns, p instead of its logarithm.

    p itself is not stored: float32 holds none below 1e-45, and float64 none below 1e-308.
    """
    hidden = {"study", "n_tested_genes"} | {
        n for n in map(str, table) if n.startswith(("neg_", "rank_neg_"))
    }
    # Of a contrast its direction says why it has this reference; of a term, where its genes go.
    hidden |= {n for n in map(str, table) if n.startswith("label_") or n == "n_background"}
    if "overlap" not in table:
        hidden.add("direction")
    return _complete(table).drop(columns=list(hidden), errors="ignore")


def _show(table: pd.DataFrame, title: str, out: Path | None, as_json: bool) -> None:
    if out is not None:
        write_table(_complete(table), out)
        typer.echo(f"wrote {len(table)} rows to {out}")
    elif as_json:
        echo_json(records(_complete(table)))
    else:
        echo_table(as_shown(table), title)


def _complete(table: pd.DataFrame) -> pd.DataFrame:
    """The table with p beside its logarithms, and its index as a column."""
    logarithms = {"p_value": "neg_log10_p", "adj_p_value": "neg_log10_adj_p"}
    logarithms |= {"rank_p_value": "rank_neg_log10_p"} if "rank_neg_log10_p" in table else {}
    p = {name: 10.0 ** -table[of].astype("float64") for name, of in logarithms.items()}
    return table.assign(**p).reset_index()

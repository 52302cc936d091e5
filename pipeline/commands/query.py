"""The commands that ask the compendium: query gene, query contrast."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from pipeline.commands.options import HERE, JsonOption, WorkspaceOption
from pipeline.commands.output import echo_json, echo_table, records
from pipeline.commands.tables import check_out, write_table
from storage.open import open_compendium
from storage.query import (
    Order,
    find_contrast,
    find_gene,
    query_contrast,
    query_gene,
    top_contrasts,
    top_genes,
)

app = typer.Typer(no_args_is_help=True, help="Ask the compendium for a gene or a contrast.")

TopOption = Annotated[int, typer.Option("--top", min=1, help="How many rows to show.")]
AllOption = Annotated[
    bool, typer.Option("--all", help="Every row, in the compendium's order, untested too.")
]
ByOption = Annotated[Order, typer.Option("--by", help="What the top is ordered by: p, logfc or t.")]
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
    tree = open_compendium(workspace)
    found = find_gene(tree, name)
    table = query_gene(tree, found) if every else top_contrasts(tree, found, top, by)
    _show(table, found, out, as_json)


@app.command()
def contrast(
    name: Annotated[
        str, typer.Argument(help="Contrast id, STUDY:TEST_vs_REFERENCE, or a study's only one.")
    ],
    top: TopOption = 20,
    every: AllOption = False,
    by: ByOption = "p",
    out: OutOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """One contrast over the genes: what changes most?"""
    if out is not None:
        check_out(out)
    tree = open_compendium(workspace)
    found = find_contrast(tree, name)
    table = query_contrast(tree, found) if every else top_genes(tree, found, top, by)
    _show(table, found, out, as_json)


def as_shown(table: pd.DataFrame) -> pd.DataFrame:
    """A query's result as people read it: the labels as columns, p instead of its logarithm.

    p itself is not stored: float32 holds none below 1e-45, and float64 none below 1e-308.
    """
    hidden = ("study", "direction", "n_tested_genes", "neg_log10_p", "neg_log10_adj_p")
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
    p = {name: 10.0 ** -table[f"neg_log10_{name}"].astype("float64") for name in ("p", "adj_p")}
    return table.assign(p_value=p["p"], adj_p_value=p["adj_p"]).reset_index()

"""The command `dexome`: what it offers."""

from importlib.metadata import version
from typing import Annotated

import typer

from pipeline.commands import cluster, query
from pipeline.commands.dea import dea
from pipeline.commands.demo import demo
from pipeline.commands.embed import embed
from pipeline.commands.explain import explain
from pipeline.commands.fetch import fetch
from pipeline.commands.go import go
from pipeline.commands.halves import halves
from pipeline.commands.init import init
from pipeline.commands.inspect import doctor, gc, status
from pipeline.commands.models import evaluate, train
from pipeline.commands.prepare import prepare
from pipeline.commands.run_all import run
from pipeline.commands.stages import analyse, compile_, enrich, plan
from pipeline.commands.sweep import sweep

app = typer.Typer(
    name="dexome",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # The names of tables in dexome.toml, such as [train], would be taken for Rich's markup.
    rich_markup_mode="markdown",
    help="Differential expression of many RNA-seq studies as one compendium that anyone can query.\n\n"
    "Start with `dexome demo`, or `dexome init` on a folder of studies and then `dexome run`.",
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dexome {version('dexome')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_tell_version),
    ] = False,
) -> None:
    pass


app.command("init")(init)
app.command("run")(run)
app.command("fetch")(fetch)
app.command("plan")(plan)
app.command("explain")(explain)
app.command("analyse")(analyse)
app.command("compile")(compile_)
app.command("enrich")(enrich)
app.command("prepare")(prepare)
app.command("halves")(halves)
app.command("train")(train)
app.command("sweep")(sweep)
app.command("evaluate")(evaluate)
app.command("embed")(embed)
app.command("dea")(dea)
app.command("go")(go)
app.command("demo")(demo)
app.command("status")(status)
app.command("doctor")(doctor)
app.command("gc")(gc)
app.add_typer(query.app, name="query")
app.add_typer(cluster.app, name="cluster")

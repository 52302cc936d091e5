"""The command `dexome`: what it offers, and how it ends."""

import sys
from gc import freeze

import typer

from cluster.profile import ClusterError
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
from pipeline.commands.options import EXIT_FAILED, EXIT_INTERRUPTED
from pipeline.commands.prepare import prepare
from pipeline.commands.run_all import run
from pipeline.commands.stages import analyse, compile_, enrich, plan
from pipeline.commands.sweep import sweep
from storage.errors import DexomeError

app = typer.Typer(
    name="dexome",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # The names of tables in dexome.toml, such as [train], would be taken for Rich's markup.
    rich_markup_mode="markdown",
    help="Differential expression of many RNA-seq studies as one compendium that anyone can query.\n\n"
    "Start with `dexome demo`, or `dexome init` on a folder of studies and then `dexome run`.",
)
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


def main() -> None:
    """Run a command; a caller's error is one sentence and a code, never a traceback."""
    # What was imported is no garbage: to look through it takes half a second, at the end again and again.
    freeze()
    try:
        app()
    except (DexomeError, ClusterError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(EXIT_FAILED)
    except SystemExit as end:
        if end.code == EXIT_INTERRUPTED:
            typer.echo("stopped; run the same command again to go on from here", err=True)
        raise

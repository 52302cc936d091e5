"""The commands of the stages that make a compendium: plan, analyse, compile, enrich."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from pipeline.commands.options import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    HERE,
    ClusterOption,
    JsonOption,
    RebuildOption,
    TakeOverOption,
    WorkspaceOption,
)
from pipeline.commands.output import (
    counted,
    echo_fields,
    echo_json,
    echo_refused,
    echo_table,
    records,
    refusals,
)
from pipeline.commands.prepare import echo_prepared
from pipeline.commands.progress import progress_report
from pipeline.flow import flow_table
from pipeline.plan import Plan, plan_inputs, read_plan
from pipeline.progress import Report
from pipeline.workspace import Workspace, open_workspace
from storage.generation import FOLDER, Current
from storage.lease import Lease
from storage.schema import CONTRASTS_STORE

# Dask and the statistics are imported when a stage needs them: no query should wait for them.
if TYPE_CHECKING:
    from distributed import Client

    from pipeline.stages.analyse_study import AnalysisReceipt


def plan(
    workspace: WorkspaceOption = HERE,
    cluster: ClusterOption = None,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> None:
    """Decide for every study whether it is in, with which contrasts, or out, and why."""
    from pipeline.run import run_plan

    opened = open_workspace(workspace)
    genes = opened.read_genes()
    with (
        Lease(opened.disk, take_over=take_over) as lease,
        dask_stage(opened, cluster) as (client, report),
    ):
        planned = run_plan(opened, genes, client, lease, report)
    summary, flow = summarise(opened, planned), flow_table(planned.records)
    if as_json:
        summary["flow"] = records(flow)
    else:
        echo_table(flow, "from all studies to those compared")
    finish(summary, as_json)


def analyse(
    workspace: WorkspaceOption = HERE, cluster: ClusterOption = None, as_json: JsonOption = False
) -> None:
    """Analyse every planned study that has no result yet."""
    from pipeline.run import run_analyse

    opened = open_workspace(workspace)
    genes = opened.read_genes()
    planned = read_plan(opened.disk, plan_inputs(opened.config, genes))
    with dask_stage(opened, cluster) as (client, report):
        receipts = run_analyse(opened, genes, planned, client, report)
    finish(summarise(opened, planned, receipts), as_json)


def compile_(
    workspace: WorkspaceOption = HERE,
    cluster: ClusterOption = None,
    take_over: TakeOverOption = False,
    rebuild: RebuildOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compile the results into a compendium and publish it."""
    from pipeline.run import run_compile

    opened = open_workspace(workspace)
    genes = opened.read_genes()
    planned = read_plan(opened.disk, plan_inputs(opened.config, genes))
    with (
        Lease(opened.disk, take_over=take_over) as lease,
        dask_stage(opened, cluster) as (client, report),
    ):
        published = run_compile(opened, genes, planned, client, lease, report, rebuild=rebuild)
    finish(summarise(opened, planned, published=published), as_json)


def enrich(
    workspace: WorkspaceOption = HERE,
    cluster: ClusterOption = None,
    take_over: TakeOverOption = False,
    rebuild: RebuildOption = False,
    as_json: JsonOption = False,
) -> None:
    """Test the terms of [enrich] in every contrast of the newest compendium, into a store beside it.

    Exit code 0: all done; 3: done, but some studies failed; 1: failed; 2: wrong usage.
    """
    from pipeline.run_enrich import run_enrich

    opened = open_workspace(workspace)
    genes = opened.read_genes()
    with (
        Lease(opened.disk, take_over=take_over) as lease,
        dask_stage(opened, cluster) as (client, report),
    ):
        enriched = asdict(run_enrich(opened, genes, client, lease, report, rebuild=rebuild))
    if as_json:
        echo_json(enriched)
    else:
        echo_enriched(enriched)
    if enriched["failed"]:
        raise typer.Exit(EXIT_REFUSED)


def summarise(
    workspace: Workspace,
    planned: Plan,
    receipts: "Sequence[AnalysisReceipt]" = (),
    published: tuple[Current, bool] | None = None,
) -> dict[str, Any]:
    """What a run came to, for people and programs."""
    refused = {r.study: (r.reason, r.message) for r in planned.records if r.reason}
    refused |= {r.study: (r.reason, r.message) for r in receipts if r.reason}
    summary: dict[str, Any] = {
        "studies": len(planned.records),
        "planned": len(planned.planned),
        "planned_contrasts": sum(len(record.contrasts) for record in planned.planned),
    }
    if receipts:
        done = [receipt for receipt in receipts if not receipt.reason]
        summary |= {"analysed": len(done), "analysed_before": sum(r.known for r in done)}
    summary["refused"] = refusals(refused)
    if published is not None:
        current, new = published
        address = workspace.disk.path(f"{FOLDER}/{current.generation}/{CONTRASTS_STORE}")
        summary |= {"compendium": str(address), "generation": current.generation, "new": new}
    return summary


def finish(summary: dict[str, Any], as_json: bool) -> None:
    """Print a summary and end the command with the exit code that it calls for."""
    if as_json:
        echo_json(summary)
    else:
        echo_summary(summary)
    if message := summary.get("failed"):
        typer.echo(f"error: {message}", err=True)
        raise typer.Exit(EXIT_FAILED)
    if summary.get("stopped"):
        raise typer.Exit(EXIT_INTERRUPTED)
    if summary["refused"] or summary.get("enrichment", {}).get("failed"):
        raise typer.Exit(EXIT_REFUSED)


def echo_summary(summary: dict[str, Any]) -> None:
    """Print what a run came to."""
    fields = {
        "studies": f"{summary['studies']}, {summary['planned']} planned "
        f"with {counted(summary['planned_contrasts'], 'contrast')}"
    }
    if "analysed" in summary:
        fields["analysed"] = f"{summary['analysed']}, {summary['analysed_before']} of them before"
    if "compendium" in summary:
        fields["compendium"] = (
            f"{summary['compendium']} ({'new' if summary['new'] else 'unchanged'})"
        )
    refused = summary["refused"]
    echo_refused(fields, refused, "plan/studies.parquet has them all")
    if "enrichment" in summary:
        echo_enriched(summary["enrichment"])
    if "prepared" in summary:
        echo_prepared(summary["prepared"])
    if "learned" in summary:
        from pipeline.commands.learn import echo_learned

        echo_learned(summary["learned"])
    done = "done" if "compendium" in summary else "stage done"
    if not refused:
        done = f"all {done}"
    if "failed" in summary:
        done = "the compendium is done, the model is not"
    elif summary.get("stopped"):
        done = "the compendium is done, the training was stopped"
    told = f", {counted(len(refused), 'study', 'studies')} refused" if refused else ""
    typer.echo(f"{done}{told}")


def echo_enriched(enriched: dict[str, Any]) -> None:
    """Print what the enrichment came to."""
    echo_fields(
        {
            "enriched": f"{counted(enriched['studies'], 'study', 'studies')}, "
            f"{enriched['known']} of them before, "
            f"{len(enriched['failed'])} failed",
            "terms": f"{enriched['terms']} with a gene of the gene axis",
            "enrichment": f"{enriched['address']} ({'new' if enriched['new'] else 'unchanged'})",
        }
    )
    for study, message in sorted(enriched["failed"].items()):
        typer.echo(f"  {study}: failed: {message}; the next run tries again")


@contextmanager
def dask_stage(workspace: Workspace, cluster: str | None) -> "Iterator[tuple[Client, Report]]":
    """A client of the profile and a reporter, for as long as a stage runs."""
    from cluster.connect import connect

    with connect(workspace.config.profile(cluster)) as client, progress_report() as report:
        yield client, report

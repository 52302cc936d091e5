"""The commands of the stages that make a compendium: plan, analyse, compile, enrich."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typer

from pipeline.commands.machines import machines, share_machines
from pipeline.commands.options import (
    HERE,
    ClusterOption,
    JsonOption,
    PartOption,
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
from pipeline.exit_codes import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_REFUSED
from pipeline.flow import flow_table
from pipeline.memory import GIB
from pipeline.plan import Plan, plan_inputs, read_plan
from pipeline.share import read_share
from pipeline.stages.record import outcome_key, read_outcome
from pipeline.workspace import Workspace, open_workspace
from storage.generation import FOLDER, Current
from storage.lease import Lease
from storage.parts import FOLDER as PARTS
from storage.parts import part_key
from storage.schema import CONTRASTS_STORE

# Dask and the statistics are imported when a stage needs them: no query should wait for them.
if TYPE_CHECKING:
    from pipeline.stages.analyse_study import AnalysisReceipt


def plan(
    workspace: WorkspaceOption = HERE,
    cluster: ClusterOption = None,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> None:
    """Decide for every study whether it is in, with which contrasts, or out, and why."""
    from pipeline.run import largest_task, run_plan

    opened = open_workspace(workspace)
    genes = opened.read_genes()
    with (
        Lease(opened.disk, take_over=take_over) as lease,
        machines(opened, cluster) as stage,
    ):
        planned = run_plan(opened, genes, stage.client, lease, stage.report)
    summary, flow = summarise(opened, planned), flow_table(planned.records)
    study, n_bytes = largest_task(planned, len(genes))
    summary["largest_task"] = {"study": study, "memory_gib": round(n_bytes / GIB, 2)}
    if as_json:
        summary["flow"] = records(flow)
    else:
        echo_table(flow, "from all studies to those compared")
    finish(summary, as_json)


def analyse(
    workspace: WorkspaceOption = HERE,
    cluster: ClusterOption = None,
    part: PartOption = None,
    as_json: JsonOption = False,
) -> None:
    """Analyse every planned study that has no result yet, or those of one job of an array."""
    from pipeline.run import run_analyse

    share = read_share(part) if part is not None else None
    opened = open_workspace(workspace)
    genes = opened.read_genes()
    planned = read_plan(opened.disk, plan_inputs(opened.config, genes))
    with share_machines(opened, cluster) if share else machines(opened, cluster) as stage:
        receipts = run_analyse(
            *(opened, genes, planned, stage.client, stage.report),
            share=share,
            task_memory=stage.task_memory,
        )
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
        machines(opened, cluster) as stage,
    ):
        published = run_compile(
            *(opened, genes, planned, stage.client, lease, stage.report),
            rebuild=rebuild,
            task_memory=stage.task_memory,
        )
    finish(
        summarise(opened, planned, published=published, left_out=_left_out(opened, planned)),
        as_json,
    )


def enrich(
    workspace: WorkspaceOption = HERE,
    cluster: ClusterOption = None,
    part: PartOption = None,
    take_over: TakeOverOption = False,
    rebuild: RebuildOption = False,
    as_json: JsonOption = False,
) -> None:
    """Test the terms of [enrich] in every contrast of the newest compendium, into a store beside it.

    With --part, only the studies of one job of an array, and nothing is published: enrich without it does.

    Exit code 0: all done; 3: done, but some studies failed; 1: failed; 2: wrong usage.
    """
    from pipeline.run_enrich import run_enrich, run_enrich_share

    opened = open_workspace(workspace)
    genes = opened.read_genes()
    if part is not None:
        share = read_share(part)
        with share_machines(opened, cluster) as stage:
            enriched = run_enrich_share(opened, genes, stage.client, stage.report, share)
    else:
        with (
            Lease(opened.disk, take_over=take_over) as lease,
            machines(opened, cluster) as whole,
        ):
            enriched = asdict(
                run_enrich(opened, genes, whole.client, lease, whole.report, rebuild=rebuild)
            )
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
    left_out: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> dict[str, Any]:
    """What a run came to, for people and programs; `left_out`: planned studies without a result, and why."""
    refused = {r.study: (r.reason, r.message) for r in planned.records if r.reason}
    refused |= {r.study: (r.reason, r.message) for r in receipts if r.reason} | dict(left_out)
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
        address = workspace.disk.address(f"{FOLDER}/{current.generation}/{CONTRASTS_STORE}")
        summary |= {"compendium": str(address), "generation": current.generation, "new": new}
    return summary


def _left_out(workspace: Workspace, planned: Plan) -> dict[str, tuple[str, str]]:
    """Reason and message of each planned study that its analysis refused, or failed on."""
    disk = workspace.disk
    there = set(disk.list(PARTS))
    found = {}
    for record in planned.planned:
        if part_key(record.study, record.part) not in there:
            outcome = read_outcome(disk, outcome_key(record.study, record.part))
            if outcome is not None:
                found[record.study] = (outcome.reason, outcome.message)
    return found


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
    if largest := summary.get("largest_task", {}).get("study"):
        most = summary["largest_task"]["memory_gib"]
        fields["memory"] = f"about {most:.1f} GiB for the largest task, {largest}"
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
    """Print what the enrichment, or one share of it, came to."""
    fields = {
        "enriched": f"{counted(enriched['studies'], 'study', 'studies')}, "
        f"{enriched['known']} of them before, {len(enriched['failed'])} failed"
    }
    if "address" in enriched:
        fields["terms"] = f"{enriched['terms']} with a gene of the gene axis"
        fields["enrichment"] = (
            f"{enriched['address']} ({'new' if enriched['new'] else 'unchanged'})"
        )
    echo_fields(fields)
    for study, message in sorted(enriched["failed"].items()):
        typer.echo(f"  {study}: failed: {message}; the next run tries again")

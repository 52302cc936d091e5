"""The command that does it all: from studies to a compendium, its terms, and a model of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.commands.fetch import fetch_raw
from pipeline.commands.machines import machines
from pipeline.commands.models import STOPPED
from pipeline.commands.options import (
    HERE,
    ClusterOption,
    JsonOption,
    TakeOverOption,
    WorkspaceOption,
)
from pipeline.commands.stages import finish, summarise
from pipeline.workspace import Workspace, open_workspace
from storage.errors import DexomeError, LockedError
from storage.lease import Lease


def run(
    workspace: WorkspaceOption = HERE,
    cluster: ClusterOption = None,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch, plan, analyse, compile; with [enrich] in dexome.toml enrich; with [train] learn from it all.

    To learn is to prepare, train, embed and evaluate. Only what is left is done.

    Exit code 0: all done; 3: done, but some studies were refused; 1: failed; 2: wrong usage; 130: stopped.
    """
    finish(run_all(open_workspace(workspace), cluster, take_over=take_over), as_json)


def run_all(
    workspace: Workspace, cluster: str | None, *, take_over: bool = False
) -> dict[str, Any]:
    """The whole job on a workspace; returns its summary.

    Where the compendium is made but no model comes of it, `failed` says why.
    """
    from pipeline.run import run_analyse, run_compile, run_plan

    genes = workspace.read_genes()
    recipe = workspace.config.train
    with Lease(workspace.disk, take_over=take_over) as lease:
        if workspace.config.source.kind != "folder":
            fetch_raw(workspace, lease)
        with machines(workspace, cluster) as stage:
            client, report, memory = stage.client, stage.report, stage.task_memory
            planned = run_plan(workspace, genes, client, lease, report)
            receipts = run_analyse(workspace, genes, planned, client, report, task_memory=memory)
            published = run_compile(
                workspace, genes, planned, client, lease, report, task_memory=memory
            )
            summary = summarise(workspace, planned, receipts, published)
            if workspace.config.enrich is not None:
                from pipeline.run_enrich import run_enrich

                enriched = run_enrich(workspace, genes, client, lease, report)
                summary["enrichment"] = asdict(enriched)
            if recipe is not None:
                from pipeline.run_prepare import run_prepare

                with _failure_told(summary):
                    settings = workspace.config.prepare
                    prepared = run_prepare(workspace, client, lease, report, settings)
                    summary["prepared"] = asdict(prepared)
        # The workers are gone before a training begins: it needs their memory, and they would wait for hours.
        if recipe is not None and "prepared" in summary:
            from pipeline.commands.learn import learn

            with _failure_told(summary):
                split = Path(summary["prepared"]["split"]).name
                summary["learned"] = learn(workspace, lease, recipe, split)
                summary["stopped"] = summary["learned"]["training"]["ended"] == STOPPED
    return summary


@contextmanager
def _failure_told(summary: dict[str, Any]) -> Iterator[None]:
    """Note in the summary why no model came of it: the compendium is there all the same."""
    try:
        yield
    except LockedError:
        raise
    except DexomeError as error:
        summary["failed"] = str(error)

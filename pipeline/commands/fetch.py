"""The command that downloads what DEE2 and GEO have of the studies asked for."""

from typing import TYPE_CHECKING

import typer

from pipeline.commands.options import HERE, JsonOption, TakeOverOption, WorkspaceOption
from pipeline.commands.output import echo_json, echo_refused, refusals
from pipeline.commands.progress import progress_report
from pipeline.exit_codes import EXIT_REFUSED
from pipeline.workspace import Workspace, open_workspace
from storage.errors import InputError
from storage.lease import Lease

# HDF5 is imported when there is something to fetch: no query should wait for it.
if TYPE_CHECKING:
    from pipeline.fetch.stage import Fetched


def fetch(
    workspace: WorkspaceOption = HERE,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> None:
    """Download what is not here yet of DEE2 and GEO, verified, into raw/.

    Exit code 0: all is here; 3: some studies could not be had, and why.
    """
    opened = open_workspace(workspace)
    if opened.config.source.kind == "folder":
        raise InputError(
            'the source is a folder, so there is nothing to fetch; set kind = "dee2" in [source]'
        )
    with Lease(opened.disk, take_over=take_over) as lease:
        fetched = fetch_raw(opened, lease)
    refused = refusals(fetched.refused)
    if as_json:
        echo_json(
            {
                "studies": fetched.studies,
                "here_before": fetched.known,
                "bytes": fetched.n_bytes,
                "refused": refused,
            }
        )
    else:
        fields = {
            "studies": f"{fetched.studies}, {fetched.known} of them here before",
            "downloaded": f"{fetched.n_bytes / 1e6:.1f} MB",
        }
        kept = opened.config.source.raw or "raw"
        echo_refused(fields, refused, f"{kept}/studies/ has them all")
        typer.echo("next: dexome run")
    if refused:
        raise typer.Exit(EXIT_REFUSED)


def fetch_raw(workspace: Workspace, lease: Lease) -> "Fetched":
    """Fetch the studies of a workspace, with its progress shown; the caller holds the lease."""
    from pipeline.fetch.stage import run_fetch

    with progress_report() as report:
        return run_fetch(workspace.raw, workspace.config.source, lease, report)

"""The commands that look after machines: list, check, script."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from cluster.profile import ClusterError, ClusterProfile
from pipeline.commands.options import HERE, JsonOption, WorkspaceOption
from pipeline.commands.output import echo_json, echo_table, records
from pipeline.exit_codes import EXIT_FAILED
from pipeline.workspace import CLUSTER_FOLDER, open_workspace
from storage.errors import InputError

# Dask is imported when a command needs it.
if TYPE_CHECKING:
    from pipeline.examine_cluster import Finding

app = typer.Typer(no_args_is_help=True, help="The machines to use: list, check, script.")
NameArgument = Annotated[str, typer.Argument(help="Profile [cluster.NAME] of dexome.toml.")]


@app.command("list")
def list_(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Say which profiles dexome.toml has."""
    profiles = open_workspace(workspace).config.cluster
    rows = [
        {
            "name": name,
            "kind": profile.kind,
            "workers": _size(profile),
            "memory_gib": profile.memory_gib,
            "tls": "yes" if profile.tls or profile.tls_ca_file else "no",
            "resources": ", ".join(f"{k}={v:g}" for k, v in profile.resources.items()),
        }
        for name, profile in profiles.items()
    ]
    table = pd.DataFrame(
        rows, columns=["name", "kind", "workers", "memory_gib", "tls", "resources"]
    )
    if as_json:
        echo_json(records(table))
    elif rows:
        echo_table(table)
    else:
        typer.echo("no [cluster.NAME] in dexome.toml: this machine's cores are used")


@app.command("check")
def check(
    name: NameArgument,
    workspace: WorkspaceOption = HERE,
    wait_s: Annotated[
        float, typer.Option("--wait", min=1, help="Seconds that a worker may take to come up.")
    ] = 300,
    as_json: JsonOption = False,
) -> None:
    """Start one worker (one on each host by SSH), and see whether it can do the work.

    Exit code 0: it can; 1: something is not as it must be.
    """
    from cluster.connect import connect
    from pipeline.examine_cluster import Finding, examine_workers

    opened = open_workspace(workspace)
    profile = smallest(opened.config.profile(name))
    with connect(profile, opened.root / CLUSTER_FOLDER) as client:
        address = client.scheduler.address
        wanted = len(profile.hosts) or 1
        try:
            client.wait_for_workers(wanted, timeout=wait_s)
        except TimeoutError:
            raise InputError(
                f"no worker came up within {wait_s:g} s; the scheduler listens on {address}: can workers "
                "reach it (interface), and what do the logs of their jobs say?"
            ) from None
        findings = [
            Finding("worker", True, f"{wanted} came up; the scheduler listens on {address}")
        ]
        findings += examine_workers(client, opened)
        if profile.tls or profile.tls_ca_file:
            findings.append(knock(address))
    good = all(finding.good for finding in findings)
    if as_json:
        checks = [{"name": f.name, "good": f.good, "message": f.message} for f in findings]
        echo_json({"cluster": name, "good": good, "checks": checks})
    else:
        for finding in findings:
            typer.echo(
                f"{'ok    ' if finding.good else 'FAILED'}  {finding.name}: {finding.message}"
            )
        typer.echo(f"{name}: {'ready' if good else 'not ready'}")
    if not good:
        raise typer.Exit(EXIT_FAILED)


@app.command("script")
def script(name: NameArgument, workspace: WorkspaceOption = HERE) -> None:
    """Print the job script of a batch system, or what else starts a worker; nothing is started."""
    from cluster.script import job_script

    opened = open_workspace(workspace)
    typer.echo(job_script(opened.config.profile(name), opened.root / CLUSTER_FOLDER))


def knock(address: str) -> "Finding":
    """Whether the scheduler hangs up on a client without a certificate."""
    from cluster.tls import refuses_strangers
    from pipeline.examine_cluster import Finding

    try:
        refused = address.startswith("tls://") and refuses_strangers(address)
    except ClusterError as error:
        return Finding("tls", False, str(error))
    told = "is refused" if refused else "is NOT refused; do not use this cluster"
    return Finding("tls", refused, f"a client without a certificate {told}")


def smallest(profile: ClusterProfile) -> ClusterProfile:
    """A profile for one worker, or for one on each host."""
    if profile.kind == "address":
        return profile
    return replace(
        profile,
        workers=None if profile.gpus else len(profile.hosts) or 1,
        minimum=None,
        maximum=None,
        gpus=1 if profile.gpus else None,
        report=False,
    )


def _size(profile: ClusterProfile) -> str:
    if profile.adaptive:
        return f"{profile.minimum or 0} to {profile.maximum}"
    if profile.gpus:
        return f"{profile.gpus}, one for each GPU"
    return str(profile.workers or len(profile.hosts) or "as there are")

"""The machines that a stage runs on: a cluster by its profile, or this process for one share of studies."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from pipeline.commands.progress import progress_report
from pipeline.progress import Report
from pipeline.workspace import CLUSTER_FOLDER, Workspace

# Dask is imported when a stage needs it: no query should wait for it.
if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True, slots=True)
class Machines:
    """What a stage runs with; `task_memory` is how many bytes a task may take, None where nobody can tell.

    `gpu` is the resource of a task that wants a GPU of its own, None where there is none.
    """

    client: "Client"
    report: Report
    task_memory: int | None
    gpu: dict[str, float] | None


@dataclass(frozen=True, slots=True)
class ShareMachines:
    """The same for one share; without a client its studies are done in this process."""

    client: "Client | None"
    report: Report
    task_memory: int | None


@contextmanager
def share_machines(workspace: Workspace, cluster: str | None) -> Iterator[ShareMachines]:
    """One job of an array: in this process, unless a profile is named."""
    from cluster.capacity import task_memory_here

    if cluster is None:
        with progress_report() as report:
            yield ShareMachines(None, report, task_memory_here())
        return
    with machines(workspace, cluster) as stage:
        yield ShareMachines(stage.client, stage.report, stage.task_memory)


@contextmanager
def machines(workspace: Workspace, cluster: str | None) -> Iterator[Machines]:
    """The cluster of a profile, for as long as a stage runs."""
    from cluster.capacity import gpu_of_task, task_memory_bytes
    from cluster.connect import connect
    from cluster.report import has_dashboard

    profile = workspace.config.profile(cluster)
    with connect(profile, workspace.root / CLUSTER_FOLDER) as client, progress_report() as report:
        if has_dashboard():
            typer.echo(f"dashboard  {client.dashboard_link}", err=True)
        memory, gpu = task_memory_bytes(profile, client), gpu_of_task(profile, client)
        yield Machines(client, report, memory, gpu)

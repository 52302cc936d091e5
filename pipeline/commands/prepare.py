"""The command that makes a compendium ready for learning."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from pipeline.commands.machines import machines
from pipeline.commands.options import (
    HERE,
    ClusterOption,
    JsonOption,
    TakeOverOption,
    WorkspaceOption,
)
from pipeline.commands.output import counted, echo_fields, echo_json
from pipeline.prepare.audit import KINDS
from pipeline.prepare.settings import PAPER
from pipeline.workspace import open_workspace
from storage.lease import Lease
from storage.split_schema import PARTS


def prepare(
    workspace: WorkspaceOption = HERE,
    preset: Annotated[
        Literal["paper"] | None,
        typer.Option(help="Settings of the paper, in place of [prepare].", show_default="none"),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Place every study anew, wherever it was before.")
    ] = False,
    cluster: ClusterOption = None,
    take_over: TakeOverOption = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make split and copy anew, even if they are there.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Split the newest compendium, scale its genes, write the training copy; audit it for leaks."""
    from pipeline.run_prepare import run_prepare

    opened = open_workspace(workspace)
    settings = opened.config.prepare if preset is None else PAPER
    with (
        Lease(opened.disk, take_over=take_over) as lease,
        machines(opened, cluster) as stage,
    ):
        prepared = asdict(
            run_prepare(
                *(opened, stage.client, lease, stage.report, settings), fresh=fresh, rebuild=rebuild
            )
        )
    if as_json:
        echo_json(prepared)
    else:
        echo_prepared(prepared)


def echo_prepared(prepared: dict[str, Any]) -> None:
    """Print what the stage came to, and the leak audit."""
    audit = prepared["audit"]
    sizes = (
        f"{part} {counted(audit['contrasts'][part], 'contrast')} of "
        f"{counted(audit['studies'][part], 'study', 'studies')}"
        for part in PARTS
    )
    links = ", ".join(f"{kind.replace('_', '-')} {audit['links'][kind]}" for kind in KINDS)
    leaks = ", ".join(
        f"{kind.replace('_', '-')} {audit['leaks'][kind]}" for kind in ("study", *KINDS)
    )
    largest = audit["largest_component"]
    echo_fields(
        {
            "split": f"{prepared['split']} ({_state(prepared['new'])})",
            "parts": "; ".join(sizes),
            "folds": f"{', '.join(map(str, audit['folds']))} contrasts",
            "components": f"{audit['components']}, joined by {links}",
            "largest": f"{len(largest)} studies: {_shown(largest)}"
            if largest
            else "no two studies joined",
            "genes": f"{prepared['selected']} of {prepared['genes']}",
            "copy": f"{prepared['copy']} ({_state(prepared['new_copy'])})",
            "leaks": f"training contrasts that share with another part: {leaks}",
        }
    )
    for conflict in audit["conflicts"]:
        told = "; ".join(f"{study} was placed in {place}" for study, place in conflict.items())
        typer.echo(
            f"  would join two parts: {told}; `dexome prepare --fresh` places all studies anew"
        )


def _state(new: bool) -> str:
    return "new" if new else "unchanged"


def _shown(studies: list[str]) -> str:
    more = len(studies) - 5
    return ", ".join(studies[:5]) + (f" and {more} more" if more > 0 else "")

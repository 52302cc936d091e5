"""The command that makes halves of held-out contrasts, and how scores on them are shown."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

import pandas as pd
import typer

from pipeline.choose_split import choose_split
from pipeline.commands.machines import machines
from pipeline.commands.options import (
    HERE,
    ClusterOption,
    JsonOption,
    RebuildOption,
    SplitOption,
    TakeOverOption,
    WorkspaceOption,
)
from pipeline.commands.output import echo_fields, echo_json, echo_table
from pipeline.exit_codes import EXIT_REFUSED
from pipeline.workspace import open_workspace
from storage.halves_schema import KINDS
from storage.lease import Lease


def halves(
    workspace: WorkspaceOption = HERE,
    part: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="Part of the split to halve.")
    ] = "test",
    split: SplitOption = None,
    cluster: ClusterOption = None,
    take_over: TakeOverOption = False,
    rebuild: RebuildOption = False,
    as_json: JsonOption = False,
) -> None:
    """Analyse held-out studies twice over, on halves that share no noise, for an honest `dexome evaluate`.

    Exit code 0: all done; 3: done, but some studies failed; 1: failed; 2: wrong usage.
    """
    from pipeline.run_halves import run_halves

    opened = open_workspace(workspace)
    genes = opened.read_genes()
    with (
        Lease(opened.disk, take_over=take_over) as lease,
        machines(opened, cluster) as stage,
    ):
        chosen = choose_split(opened, split)
        halved = asdict(
            run_halves(
                *(opened, genes, stage.client, lease, stage.report, chosen, part),
                rebuild=rebuild,
                task_memory=stage.task_memory,
            )
        )
    if as_json:
        echo_json(halved)
    else:
        _echo_halved(halved)
    if halved["failed"]:
        raise typer.Exit(EXIT_REFUSED)


def echo_scores(tables: Mapping[str, dict[str, Any]], part: str) -> None:
    """Print the scores on halves, by kind, and of which kind there are none."""
    for kind in KINDS:
        if table := tables.get(kind):
            of = f"{table['contrasts']} contrasts of {table['studies']} studies"
            echo_table(_as_table(table), f"{part}, on {kind} halves: {of}")
        else:
            typer.echo(
                f"{kind} halves: no contrast of {part} has them; see `dexome halves`", err=True
            )


def _as_table(table: dict[str, Any]) -> pd.DataFrame:
    ceiling = {"model": "ceiling", "r2": table["ceiling"]}
    nothing = dict.fromkeys(("value", "low", "high"), float("nan"))
    rows = []
    for line in (*table["lines"], ceiling):
        row = {"halves": table["kind"], "model": line["model"], "rank": str(line.get("rank", ""))}
        for name, key in (("R2", "r2"), ("of ceiling", "share"), ("gain", "gain")):
            interval = line.get(key, nothing)
            ends = ("from", "to") if key == "r2" else (f"{name} from", f"{name} to")
            row |= dict(zip((name, *ends), (interval[k] for k in nothing), strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def _echo_halved(halved: dict[str, Any]) -> None:
    total = halved["contrasts"]
    fields = {
        "studies": f"{halved['studies']}, {halved['known']} of them before, {len(halved['failed'])} failed"
    }
    for kind, found in halved["kinds"].items():
        why = ", ".join(f"{reason} {n}" for reason, n in found["left_out"].items())
        fields[kind] = (
            f"{found['contrasts']} of {total} contrasts, of {found['studies']} studies"
            f"; left out: {why or 'none'}"
        )
    fields["halves"] = f"{halved['address']} ({'new' if halved['new'] else 'unchanged'})"
    echo_fields(fields)
    for study, message in sorted(halved["failed"].items()):
        typer.echo(f"  {study}: failed: {message}; the next run tries again")

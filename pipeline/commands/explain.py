"""`dexome explain`: one study's reasoning on a page."""

from typing import Annotated, Any

import typer

from pipeline.commands.options import HERE, JsonOption, WorkspaceOption
from pipeline.commands.output import echo_fields, echo_json
from pipeline.stages.record import PlanRecord
from pipeline.workspace import open_workspace
from storage.errors import InputError

_SHOWN = 12


def explain(
    study: Annotated[str, typer.Argument(help="Name of a study.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say how one study is read: samples, factors, reference, groups, contrasts, and every reason.

    The study need not be planned yet; nothing is written.
    """
    from pipeline.stages.plan_study import look_up_plan
    from pipeline.stages.task import make_tasks

    opened = open_workspace(workspace)
    tasks = {t.study: t for t in make_tasks(opened.root, opened.config, opened.read_genes())}
    if study not in tasks:
        raise InputError(f"the source has no study {study!r}; it has {_some(sorted(tasks))}")
    record = look_up_plan(tasks[study])
    if as_json:
        echo_json(_fields(record))
    else:
        _echo_page(record)


def _fields(record: PlanRecord) -> dict[str, Any]:
    """The record, for programs."""
    return {
        "study": record.study,
        "status": record.status,
        "reason": record.reason,
        "message": record.message,
        **{
            name: record.columns.get(name)
            for name in ("confidence", "covariates", "block", "flags", "overruled")
        },
        "ingredients": record.ingredients,
        "factors": record.factors,
        "contrasts": record.contrasts,
        "samples": record.samples,
        "reasoning": [{"topic": topic, "says": says} for topic, says in record.reasoning],
    }


def _echo_page(record: PlanRecord) -> None:
    columns = record.columns
    if record.status == "planned":
        told = " × ".join(
            f"{name} {share:g}" for name, share in record.ingredients.items() if share < 1
        )
        fields = {
            "study": f"{record.study}: {len(record.contrasts)} contrasts of {columns['n_samples']} samples",
            "confidence": f"{columns['confidence']:g}" + (f" ({told})" if told else ""),
            "adjusted for": columns["covariates"] or "nothing",
            "subject": columns["block"] or "none",
            "cautions": columns["flags"] or "none",
            "said by you": columns["overruled"] or "nothing",
        }
    else:
        fields = {"study": f"{record.study}: {record.status}", record.reason: record.message}
    echo_fields(fields)
    for factor in record.factors:
        why = {
            "reference": "the reference",
            "ordered": "the smallest",
            "arbitrary": "merely the first",
        }
        is_said = factor["word"] not in ("", factor["reference"])
        word = f", by {factor['word']!r}" if is_said else ""
        typer.echo(f"\nfactor {factor['name']} ({factor['kind']}): {', '.join(factor['levels'])}")
        typer.echo(f"  {factor['reference']} is {why[factor['direction']]}{word}")
        if factor["same_as"]:
            typer.echo(f"  the same in {', '.join(factor['same_as'])}")
    _echo_groups(record)
    if record.contrasts:
        typer.echo("\ncontrasts")
    for row in record.contrasts:
        held = f", {row['stratum']}" if row["stratum"] else ""
        typer.echo(
            f"  {row['test']} ({row['n_test']}) vs {row['reference']} ({row['n_reference']})  "
            f"{row['direction']}: {row['factor']}{held}"
        )
    if record.reasoning:
        typer.echo("\nreasoning")
    for topic, says in record.reasoning:
        typer.echo(f"  {topic}: {says}")


def _echo_groups(record: PlanRecord) -> None:
    groups: dict[str, list[str]] = {}
    for row in record.samples:
        groups.setdefault(row["group"] if row["used"] else "", []).append(row["sample"])
    out = groups.pop("", [])
    if groups:
        typer.echo("\ngroups")
    for group, names in sorted(groups.items()):
        typer.echo(f"  {group} ({len(names)}): {_some(names)}")
    if out:
        typer.echo("\nleft out")
        why = {row["sample"]: row["why_not"] for row in record.samples}
        for name in out[:_SHOWN]:
            typer.echo(f"  {name}: {why[name]}")
        if len(out) > _SHOWN:
            typer.echo(f"  and {len(out) - _SHOWN} more: --json has them all")


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"

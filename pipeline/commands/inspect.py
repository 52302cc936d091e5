"""The commands that look after a compendium: status, doctor, gc."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from model.list_models import list_models, model_generations
from pipeline.commands.options import HERE, JsonOption, TakeOverOption, WorkspaceOption
from pipeline.commands.output import counted, echo_fields, echo_json
from pipeline.exit_codes import EXIT_FAILED
from pipeline.plan import plan_inputs, read_plan
from pipeline.workspace import open_workspace
from storage.collect import collect_copies, collect_generations, held_generations
from storage.doctor import examine
from storage.errors import InputError
from storage.generation import (
    FOLDER,
    list_enrichments,
    list_generations,
    list_halves,
    list_latents,
    list_splits,
    read_current,
)
from storage.lease import Lease, read_lease
from storage.open import contrasts_of, open_compendium, studies_of
from storage.process import is_alive
from storage.schema import CONTRAST, CONTRASTS_STORE, GENE


def status(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Say what there is: the compendium's address, its size, the plan, who is at work."""
    opened = open_workspace(workspace)
    disk = opened.disk
    found: dict[str, Any] = {"workspace": str(opened.root), "generations": list_generations(disk)}
    current = read_current(disk)
    if current is not None:
        tree = open_compendium(disk, beside="")
        sizes = contrasts_of(tree).sizes
        states = list(studies_of(tree)["status"].values)
        found["compendium"] = {
            "address": disk.address(f"{FOLDER}/{current.generation}/{CONTRASTS_STORE}"),
            "published_at": current.published_at,
            "contrasts": int(sizes[CONTRAST]),
            "genes": int(sizes[GENE]),
            "studies": {str(state): states.count(state) for state in sorted(set(states))},
        }
        folder = f"{FOLDER}/{current.generation}"
        for kind, listed in (
            ("enrichments", list_enrichments),
            ("splits", list_splits),
            ("halves", list_halves),
            ("latents", list_latents),
        ):
            found[kind] = [
                disk.address(f"{folder}/{store}") for store in listed(disk, current.generation)
            ]
    found["models"] = [asdict(state) for state in list_models(opened.local)]
    try:
        planned = read_plan(disk, plan_inputs(opened.config, opened.read_genes()))
        found["plan"] = {
            "studies": len(planned.records),
            "planned": len(planned.planned),
            "refused": dict(planned.refusals),
        }
    except InputError as error:
        found["plan"] = str(error)
    lease = read_lease(disk)
    if lease is not None:
        found["lease"] = {name: lease.get(name) for name in ("host", "pid")}
        found["lease"]["alive"] = is_alive(lease)
    if as_json:
        echo_json(found)
    else:
        echo_fields(_in_words(found))


def doctor(workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Verify the compendium: every file, shard and part, shapes and labels; say what to do again.

    Exit code 0: sound; 1: something is damaged.
    """
    generation, findings = examine(open_workspace(workspace).disk)
    if as_json:
        echo_json(
            {
                "generation": generation,
                "sound": not findings,
                "findings": [
                    {
                        "file": f.file,
                        "problem": f.problem,
                        "studies": list(f.studies),
                        "cure": f.cure,
                    }
                    for f in findings
                ],
            }
        )
    else:
        for f in findings:
            typer.echo(f"{f.file} {f.problem}; {f.cure}")
            if f.studies:
                typer.echo(f"  studies: {', '.join(f.studies)}")
        told = counted(len(findings), "finding") if findings else "sound"
        typer.echo(f"{generation}: {told}")
    if findings:
        raise typer.Exit(EXIT_FAILED)


def gc(
    keep: Annotated[
        int, typer.Option("--keep", min=1, help="How many of the newest generations to keep.")
    ],
    workspace: WorkspaceOption = HERE,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> None:
    """Delete old generations and their training copies; never what is current, or a reader or model holds."""
    opened = open_workspace(workspace)
    disk = opened.disk
    with Lease(disk, take_over=take_over):
        deleted, spared = collect_generations(disk, keep, model_generations(opened.local))
        copies = collect_copies(disk)
    if as_json:
        held = held_generations(disk)
        echo_json({"deleted": deleted, "copies": copies, "spared": spared, "held": held})
        return
    for name in deleted:
        typer.echo(f"deleted {name}")
    for key in copies:
        typer.echo(f"deleted the training copy {key}, of a deleted generation")
    for name, reason in spared.items():
        typer.echo(f"kept {name}: {reason}")
    n_deleted = counted(len(deleted), "generation")
    typer.echo(f"{n_deleted} deleted, {len(list_generations(disk))} left")


def _in_words(found: dict[str, Any]) -> dict[str, str]:
    words = {"workspace": found["workspace"]}
    if compendium := found.get("compendium"):
        states = ", ".join(f"{n} {state}" for state, n in compendium["studies"].items())
        words |= {
            "compendium": compendium["address"],
            "published": compendium["published_at"],
            "size": f"{compendium['contrasts']} contrasts x {compendium['genes']} genes",
            "studies": states,
            "enrichments": " ".join(found["enrichments"]) or "none; run `dexome enrich`",
            "splits": " ".join(found["splits"]) or "none; run `dexome prepare`",
            "halves": " ".join(found["halves"]) or "none",
            "latent codes": " ".join(found["latents"]) or "none",
        }
    else:
        words["compendium"] = "none yet; run `dexome run`"
    words["generations"] = ", ".join(found["generations"]) or "none"
    words["models"] = "; ".join(map(_model_in_words, found["models"])) or "none"
    plan = found["plan"]
    if isinstance(plan, dict):
        refused = ", ".join(f"{reason} {n}" for reason, n in sorted(plan["refused"].items()))
        words["plan"] = (
            f"{plan['planned']} of {plan['studies']} studies in; refused: {refused or 'none'}"
        )
    else:
        words["plan"] = plan
    if lease := found.get("lease"):
        if lease["pid"] is None:
            words["lease"] = "can't be read; the next run takes it over"
            return words
        alive = {True: "at work", False: "dead", None: "on another host"}[lease["alive"]]
        words["lease"] = f"process {lease['pid']} on {lease['host']}, {alive}"
    return words


def _model_in_words(state: dict[str, Any]) -> str:
    loss = state["validation_loss"]
    best = "" if loss is None else f", best validation loss {loss:.4g}"
    trained_on = state["generation"] or "unknown data: its config.json is damaged"
    return f"{state['name']}: {counted(state['epochs'], 'epoch')} on {trained_on}{best}"

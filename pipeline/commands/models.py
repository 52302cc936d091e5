"""The commands of models: train one, evaluate it beside its baselines, embed a compendium with it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pandas as pd
import typer
from pydantic import TypeAdapter, ValidationError

from model.recipe import PAPER, Recipe
from pipeline.commands.options import (
    EXIT_INTERRUPTED,
    HERE,
    JsonOption,
    TakeOverOption,
    WorkspaceOption,
)
from pipeline.commands.output import echo_fields, echo_json, echo_table
from pipeline.workspace import Workspace, open_workspace
from storage.errors import StoreError
from storage.lease import Lease
from storage.split import read_split

# JAX is imported when it is needed: `dexome --help` should not wait for it.
if TYPE_CHECKING:
    from model.fit_model import Task
    from model.score_model import NetworkCoder
    from model.training.checkpoints import Checkpoint
    from model.training.estimate import Estimate

NameArgument = Annotated[str, typer.Argument(help="Name of the model: a folder below models/.")]
SplitOption = Annotated[
    str | None,
    typer.Option(help="Name of the split store.", show_default="the newest of the generation"),
]


def train(
    name: NameArgument,
    workspace: WorkspaceOption = HERE,
    preset: Annotated[
        Literal["paper"] | None,
        typer.Option(help="The paper's network and training, in place of [train]."),
    ] = None,
    split: SplitOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take, and train nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model on the newest compendium, from its last checkpoint on if there is one."""
    from model.fit_model import describe, estimate_task, fit_model, make_task
    from model.training.interrupt import stop_on_signals

    opened = open_workspace(workspace)
    recipe = PAPER if preset == "paper" else opened.config.train
    task = make_task(opened.root, name, read_split(opened.disk, split), recipe)
    estimate = estimate_task(task)
    if dry_run:
        _echo(asdict(estimate), _told(estimate), as_json)
        return
    newest = task.checkpoints.newest()
    if newest is not None:
        newest.identity.check_resumable(task.identity)
    config = json.dumps(describe(task), indent=1, sort_keys=True)
    opened.disk.put(f"models/{name}/config.json", config.encode())
    with stop_on_signals() as stop:
        progress = fit_model(task, stop)
    why = progress.why_ended(recipe.fit)
    fields = {
        "model": str(task.folder),
        "epochs": progress.epoch,
        "steps": progress.step,
        "validation_loss": progress.best_loss,
        "best_epoch": progress.best_epoch,
        "ended": why or "stopped",
    }
    _echo(fields, {key: str(value) for key, value in fields.items()}, as_json)
    if not why:
        raise typer.Exit(EXIT_INTERRUPTED)


def evaluate(
    name: NameArgument,
    workspace: WorkspaceOption = HERE,
    part: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="Part of the split to score.")
    ] = "test",
    split: SplitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a model on held-out contrasts, beside mean, random projection and PCA of the same rank."""
    from model.score_model import score_beside_baselines

    opened = open_workspace(workspace)
    task, checkpoint, coder = _restore(opened, name, split)
    lines = [asdict(line) for line in score_beside_baselines(task, coder, part)]
    result = {
        "part": part,
        "model_generation": checkpoint.identity.generation,
        "generation": task.split.generation,
        "gene_list_sha256": checkpoint.identity.gene_list_sha256,
        "checkpoint": checkpoint.path.name,
        "lines": lines,
    }
    opened.disk.put(f"models/{name}/evaluation-{part}.json", json.dumps(result, indent=1).encode())
    if as_json:
        echo_json(result)
    else:
        echo_table(_table(lines), f"{name} on {part}")


def embed(
    name: NameArgument,
    workspace: WorkspaceOption = HERE,
    split: SplitOption = None,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the latent code of every contrast of the newest compendium to latent-NAME.zarr beside it."""
    import numpy as np

    from model.baselines.copy_matrix import CopyMatrix
    from model.baselines.matrix import row_blocks
    from storage.compile_latent import LatentContent, publish_latent

    opened = open_workspace(workspace)
    task, checkpoint, coder = _restore(opened, name, split)
    matrix = CopyMatrix(task.copy, np.arange(task.copy.n_rows), task.scaling)
    codes = np.concatenate([coder.encode(x) for _, x in row_blocks(matrix)])
    study = dict(zip(task.split.contrasts.tolist(), task.split.studies.tolist(), strict=True))
    content = LatentContent(
        model=name,
        checkpoint=checkpoint.path.name,
        generation=task.split.generation,
        model_generation=checkpoint.identity.generation,
        contrasts=task.copy.contrasts,
        studies=[study[contrast] for contrast in task.copy.contrasts],
        codes=codes,
    )
    with Lease(opened.disk, take_over=take_over) as lease:
        key = publish_latent(opened.disk, content, lease)
    fields = {"store": str(opened.disk.path(key)), "contrasts": len(codes), "code": codes.shape[1]}
    _echo(fields, {k: str(v) for k, v in fields.items()}, as_json)


def _restore(
    opened: Workspace, name: str, split: str | None
) -> "tuple[Task, Checkpoint, NetworkCoder]":
    """A trained model, on the data of the newest generation, with the genes that it was trained with."""
    from model.fit_model import make_task
    from model.scaling import Scaling
    from model.score_model import NetworkCoder
    from model.training.checkpoints import read_columns
    from model.training.gene_columns import full_axis

    task = make_task(opened.root, name, read_split(opened.disk, split), _recipe(opened, name))
    checkpoint = task.checkpoints.best()
    if checkpoint is None:
        raise StoreError(f"{task.folder} has no checkpoint; run `dexome train {name}`")
    checkpoint.identity.check_genes(task.copy.manifest.gene_list_sha256)
    shift, scale, mask = full_axis(read_columns(checkpoint), task.copy.n_genes)
    task = replace(task, scaling=Scaling(shift=shift, scale=scale, mask=mask))
    return task, checkpoint, NetworkCoder.restored(task, checkpoint)


def _recipe(opened: Workspace, name: str) -> Recipe:
    path = opened.disk.path(f"models/{name}/config.json")
    data = opened.disk.read(f"models/{name}/config.json")
    if data is None:
        raise StoreError(f"{path} is missing; run `dexome train {name}`")
    try:
        return TypeAdapter(Recipe).validate_python(json.loads(data)["recipe"])
    except (ValueError, KeyError, ValidationError) as error:
        raise StoreError(f"{path} is damaged; run `dexome train {name}`") from error


def _told(estimate: "Estimate") -> dict[str, str]:
    gib = 2**30
    copy = "streamed" if not estimate.resident_bytes else "on the device"
    return {
        "parameters": f"{estimate.parameters:,}",
        "device": f"{estimate.device_bytes / gib:.2f} GiB: {estimate.state_bytes / gib:.2f} parameters, "
        f"gradients and optimiser, {estimate.activation_bytes / gib:.2f} batch, "
        f"{estimate.resident_bytes / gib:.2f} copy",
        "host": f"{estimate.host_bytes / gib:.2f} GiB beside it while a checkpoint is saved",
        "copy": f"{copy}, {estimate.epoch_bytes / 1e9:.3f} GB read in an epoch",
        "steps": f"{estimate.steps_per_epoch} an epoch, {estimate.epochs} epochs at most",
    }


def _table(lines: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            "model": line["model"],
            "rank": line["rank"],
            "MSE": line["mse"],
            "R2": line["r2"]["value"],
            "from": line["r2"]["low"],
            "to": line["r2"]["high"],
            "R2 hidden": line["hidden_r2"],
            "gain": line["gain"]["value"],
            "gain from": line["gain"]["low"],
            "gain to": line["gain"]["high"],
            "top genes": line["recall"],
            "asymmetry": line["asymmetry"],
        }
        for line in lines
    ]
    return pd.DataFrame(rows)


def _echo(fields: dict[str, Any], told: dict[str, str], as_json: bool) -> None:
    if as_json:
        echo_json(fields)
    else:
        echo_fields(told)

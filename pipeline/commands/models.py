"""The commands of models: train one, and evaluate it beside its baselines."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pandas as pd
import typer

from model.recipe import MODELS, Recipe, paper_recipe
from model.trained_on import FILE as TRAINED_ON
from pipeline.choose_split import choose_split
from pipeline.commands.halves import echo_scores
from pipeline.commands.options import HERE, JsonOption, ModelArgument, SplitOption, WorkspaceOption
from pipeline.commands.output import counted, echo_fields, echo_json, echo_table
from pipeline.exit_codes import EXIT_INTERRUPTED
from pipeline.workspace import Workspace, open_workspace
from storage.collect import hold_generation
from storage.compile_halves import halves_store
from storage.generation import manifest_key
from storage.halves import read_halves
from storage.hashing import hash_json
from storage.split import Split

# JAX is imported when it is needed: `dexome --help` should not wait for it.
if TYPE_CHECKING:
    from model.task import Task
    from model.training.estimate import Estimate
    from model.training.progress import Progress
    from pipeline.commands.trained_model import TrainedModel


def train(
    name: ModelArgument,
    workspace: WorkspaceOption = HERE,
    preset: Annotated[
        Literal["paper"] | None,
        typer.Option(help="The paper's network and training, in place of [train]."),
    ] = None,
    split: SplitOption = None,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="Write event files for TensorBoard too, as it goes."),
    ] = False,
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic",
            help="On a GPU, the same bits each time; slower. A CPU has them anyway.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take, and train nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model on the newest compendium, from its last checkpoint on if there is one."""
    from model.estimate_task import estimate_task
    from model.task import make_task
    from model.training.environment import make_deterministic

    if deterministic:
        make_deterministic()
    opened = open_workspace(workspace)
    own = opened.config.train
    recipe = paper_recipe(own) if preset == "paper" else own or Recipe()
    if dry_run:
        chosen = choose_split(opened, split, preset)
        task = make_task(opened.disk, opened.root, name, chosen, recipe)
        estimate = estimate_task(task, _free_bytes())
        fields = {"split": chosen.store, **asdict(estimate)}
        _echo(fields, {"split": chosen.store, **_told(estimate)}, as_json)
        return
    chosen = choose_split(opened, split, preset)
    fields = train_model(opened, name, recipe, chosen, tensorboard=tensorboard)
    _echo(fields, {key: str(value) for key, value in fields.items()}, as_json)
    if fields["ended"] == STOPPED:
        raise typer.Exit(EXIT_INTERRUPTED)


def _free_bytes() -> int:
    """Memory that this process may take: what is free of the machine, or was given to its job."""
    import psutil

    from cluster.own_memory import own_memory_bytes

    return min(psutil.virtual_memory().available, own_memory_bytes())


# How a training ended that SIGTERM or Ctrl-C cut short.
STOPPED = "stopped"


def train_model(
    opened: Workspace,
    name: str,
    recipe: Recipe,
    split: Split,
    *,
    tensorboard: bool = False,
) -> dict[str, Any]:
    """Train a model from its newest checkpoint on, to its end or until a signal; says how far it came.

    Raises
    ------
    InputError
        It does not fit, or its newest checkpoint is of other data or settings.
    """
    from model.estimate_task import estimate_task
    from model.fit_model import describe, fit_model
    from model.task import make_task
    from model.training.events import EventFiles
    from model.training.interrupt import stop_on_signals

    recipe = replace(recipe, name=name)
    task = make_task(opened.disk, opened.root, name, split, recipe)
    newest = task.checkpoints.newest()
    if newest is None or not newest.progress.why_ended(recipe.fit):
        estimate_task(task, _free_bytes())
    if newest is not None:
        newest.identity.check_resumable(task.identity)
    events = EventFiles(task.metrics, task.folder / "tensorboard") if tensorboard else None
    trained_on = json.dumps(asdict(task.trained_on), indent=0)
    opened.local.put(f"{MODELS}/{name}/{TRAINED_ON}", trained_on.encode())
    config = json.dumps(describe(task), indent=1, sort_keys=True)
    opened.local.put(f"{MODELS}/{name}/config.json", config.encode())
    try:
        with stop_on_signals() as stop:
            progress = fit_model(task, stop, events)
    finally:
        if events is not None:
            events.close()
    return training_fields(task, progress)


def training_fields(task: "Task", progress: "Progress") -> dict[str, Any]:
    """How far a training came, for people and programs."""
    return {
        "model": str(task.folder),
        "split": task.split.store,
        "epochs": progress.epoch,
        "steps": progress.step,
        "validation_loss": progress.best_loss,
        "best_epoch": progress.best_epoch,
        "ended": progress.why_ended(task.recipe.fit) or STOPPED,
    }


def evaluate(
    name: ModelArgument,
    workspace: WorkspaceOption = HERE,
    part: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="Part of the split to score.")
    ] = "test",
    split: SplitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a model on held-out contrasts, beside mean, random projection and PCA of the same rank."""
    from pipeline.commands.trained_model import find_model

    opened = open_workspace(workspace)
    result = evaluate_model(opened, find_model(opened, name, split), part)
    if as_json:
        echo_json(result)
    else:
        if result["best_epoch"] < 0:
            typer.echo(
                "no epoch of training was better than its start: what is scored is the start"
            )
        echo_table(evaluation_table(result["lines"]), f"{name} on {part} of {result['split']}")
        typer.echo(f"PCA         {result['pca']}")
        if n := result["left_out"]:
            typer.echo(f"left out    {counted(n, 'contrast')} of {part} that fitted the model")
        if result["halves"] is not None:
            echo_scores(result["halves"], part)


def evaluate_model(opened: Workspace, trained: "TrainedModel", part: str) -> dict[str, Any]:
    """Score a model, and keep the table as JSON and the scores by gene and by contrast as Parquet.

    The JSON is written last: where it is, all is there.
    """
    from model.evaluation.tables import contrast_table, gene_table
    from model.score_halves import score_on_halves
    from model.score_model import make_coders, score_beside_baselines

    task, model = trained.task, trained.load()
    reason = f"the evaluation of {trained.name} reads it"
    with hold_generation(opened.disk, task.split.generation, reason):
        halves = read_halves(opened.disk, task.split, part)
        coders = make_coders(task, model)
        found = score_beside_baselines(task, part, coders.by_name)
        on_halves = score_on_halves(task, coders.by_name, halves, part) if halves else None
    identity = trained.checkpoint.identity
    result: dict[str, Any] = {
        "part": part,
        "split": task.split.store,
        "contrasts": len(found.contrasts),
        "left_out": found.left_out,
        "model_generation": identity.generation,
        "generation": task.split.generation,
        "gene_list_sha256": identity.gene_list_sha256,
        "checkpoint": trained.checkpoint.path.name,
        "best_epoch": trained.checkpoint.progress.best_epoch,
        "inputs": _evaluation_inputs(opened, trained, part),
        "pca": coders.pca,
        "lines": [asdict(line) for line in found.lines],
        "halves": on_halves and {kind: asdict(table) for kind, table in on_halves.items()},
    }
    key = f"{MODELS}/{trained.name}/evaluation-{part}"
    for kind, table in (
        ("genes", gene_table(found.genes, found.scores)),
        ("contrasts", contrast_table(found.contrasts, found.studies, found.scores)),
    ):
        file = BytesIO()
        table.to_parquet(file, index=False)
        opened.local.put(f"{key}-{kind}.parquet", file.getvalue())
    opened.local.put(f"{key}.json", json.dumps(result, indent=1).encode())
    return result


def find_evaluation(opened: Workspace, trained: "TrainedModel", part: str) -> dict[str, Any] | None:
    """What `evaluate_model` returned, if model, data and split are still those."""
    data = opened.local.read(f"{MODELS}/{trained.name}/evaluation-{part}.json")
    try:
        result: dict[str, Any] = json.loads(data or b"")
        return result if result["inputs"] == _evaluation_inputs(opened, trained, part) else None
    except (ValueError, KeyError, TypeError):
        return None


def _evaluation_inputs(opened: Workspace, trained: "TrainedModel", part: str) -> str:
    from model.score_model import EVALUATION_VERSION

    split = trained.task.split
    stores = (split.store, halves_store(split.store, part))
    manifests = [opened.disk.sha256(manifest_key(split.generation, store)) for store in stores]
    return hash_json([EVALUATION_VERSION, trained.checkpoint.fingerprint, manifests, part])


def _told(estimate: "Estimate") -> dict[str, str]:
    gib = 2**30
    copy = "streamed" if not estimate.resident_bytes else "on the device"
    n = estimate.n_devices
    when = (
        "while it looks for its start" if estimate.starts_largest else "while a checkpoint is saved"
    )
    return {
        "parameters": f"{estimate.parameters:,}",
        "device": f"{estimate.device_bytes / gib:.2f} GiB{f' of each of {n}' if n > 1 else ''}: "
        f"{estimate.state_bytes / gib:.2f} parameters, "
        f"gradients and optimiser, {estimate.activation_bytes / gib:.2f} batch, "
        f"{estimate.resident_bytes / gib:.2f} copy",
        "host": f"{estimate.host_bytes / gib:.2f} GiB beside it {when}",
        "copy": f"{copy}, {estimate.epoch_bytes / 1e9:.3f} GB read in an epoch",
        "steps": f"{estimate.steps_per_epoch} an epoch, {estimate.epochs} epochs at most",
    }


def evaluation_table(lines: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The lines of an evaluation, for people."""
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

"""The stages of `run` behind the compendium: a model is trained, codes every contrast, and is scored."""

from typing import Any

import typer

from model.recipe import Recipe
from model.task import Task, make_task
from pipeline.commands.code_figures import draw_code_figures, find_code_figures
from pipeline.commands.embed import PAPER_TERM, publish_codes
from pipeline.commands.models import (
    STOPPED,
    evaluate_model,
    evaluation_table,
    find_evaluation,
    train_model,
    training_fields,
)
from pipeline.commands.output import echo_fields, echo_table
from pipeline.commands.trained_model import find_model
from pipeline.workspace import Workspace
from storage.lease import Lease
from storage.split import read_split

PART = "test"


def learn(opened: Workspace, lease: Lease, recipe: Recipe, split: str) -> dict[str, Any]:
    """Train the model that `recipe` names, code all contrasts, draw the codes, score it: what is left of it.

    A training that has ended is not repeated; where the compendium has grown since, the model is used on the
    new contrasts. Returns what each stage came to; `training` alone if a signal cut it short.

    Raises
    ------
    InputError
        The model of this name was trained with other settings or genes, or on other data without coming to
        its end; or it does not fit.
    """
    chosen = read_split(opened.disk, split)
    task = make_task(opened.disk, opened.root, recipe.name, chosen, recipe)
    training = _ended_before(task)
    if training is None:
        training = train_model(opened, recipe.name, recipe, chosen)
    done: dict[str, Any] = {"name": recipe.name, "training": training}
    if training["ended"] == STOPPED:
        return done
    trained = find_model(opened, recipe.name, split)
    codes = publish_codes(opened, trained, lease, again=False)
    figures = find_code_figures(opened, recipe.name)
    codes |= figures or draw_code_figures(opened, recipe.name, PAPER_TERM)
    found = find_evaluation(opened, trained, PART)
    return {
        **done,
        "codes": codes,
        "evaluation": found or evaluate_model(opened, trained, PART),
    }


def echo_learned(learned: dict[str, Any]) -> None:
    """Print what the stages came to."""
    training = learned["training"]
    fields = {
        "model": f"{training['model']}: {training['epochs']} epochs, {training['ended']}",
    }
    if codes := learned.get("codes"):
        fields["codes"] = f"{codes['store']} ({'new' if codes['new'] else 'unchanged'})"
        fields["figures"] = f"{codes['figures'] or 'none'}, coloured by {codes['coloured_by']}"
    echo_fields(fields)
    if evaluation := learned.get("evaluation"):
        typer.echo(f"on the {PART} contrasts:")
        echo_table(evaluation_table(evaluation["lines"]))


def _ended_before(task: Task) -> dict[str, Any] | None:
    """What a training that has ended came to, be it on an older generation; None: it is to begin or go on."""
    newest = task.checkpoints.newest()
    ended = newest.progress.why_ended(task.recipe.fit) if newest else ""
    if newest is None or not ended:
        return None
    if newest.identity.generation != task.identity.generation:
        newest.identity.check_genes(task.identity.gene_list_sha256)
        newest.identity.check_settings(
            task.identity, except_for=("copy", *task.trained_on.hashes())
        )
        ended += f"; trained on {newest.identity.generation}: another name in [train] trains anew"
    else:
        newest.identity.check_resumable(task.identity)
    return training_fields(task, newest.progress) | {"ended": ended}

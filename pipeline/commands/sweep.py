"""The command of sweeps: many trainings that differ in one thing, beside their baselines."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

import pandas as pd
import typer

from model.recipe import Recipe, paper_recipe
from model.sweeps.settings import Kind
from pipeline.choose_split import choose_split
from pipeline.commands.machines import machines
from pipeline.commands.options import (
    HERE,
    ClusterOption,
    JsonOption,
    ModelArgument,
    SplitOption,
    WorkspaceOption,
)
from pipeline.commands.output import echo_json, echo_table
from pipeline.exit_codes import EXIT_REFUSED
from pipeline.workspace import open_workspace
from storage.collect import hold_generation


def sweep(
    name: ModelArgument,
    over: Annotated[
        Kind,
        typer.Option(
            help="neurons, layers: the paper's sweeps; ranks: widths of the code, several seeds each, "
            "on the test part; folds: cross-validation; random: random search."
        ),
    ],
    workspace: WorkspaceOption = HERE,
    preset: Annotated[
        Literal["paper"] | None,
        typer.Option(help="Start from the paper's network and training, in place of [train]."),
    ] = None,
    split: SplitOption = None,
    cluster: ClusterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train many models that differ in one thing, on the cluster, and compare them with their baselines.

    Exit code 0: all done; 3: done, but some trainings failed; 1: failed; 2: wrong usage.
    """
    from model.figures.sweep_curves import draw_sweep
    from pipeline.run_sweep import run_sweep

    opened = open_workspace(workspace)
    own = opened.config.train
    recipe = paper_recipe(own) if preset == "paper" else own or Recipe()
    chosen = choose_split(opened, split, preset)
    reason = f"the sweep {name} reads it"
    with (
        machines(opened, cluster) as stage,
        hold_generation(opened.disk, chosen.generation, reason),
    ):
        swept = run_sweep(
            *(opened.disk, opened.root, stage.client, stage.report, name, over, recipe),
            *(opened.config.sweep, chosen),
            task_memory=stage.task_memory,
            resources=stage.gpu,
        )
    drawn = draw_sweep(
        *(opened.local, name, over, swept.points, swept.ceiling, int(chosen.selected.sum())),
        recipe.fit.loss,
    )
    figures = [opened.local.address(key) for key in drawn]
    points = [asdict(point) for point in swept.points]
    if as_json:
        echo_json(
            {
                "name": name,
                "over": over,
                "split": chosen.store,
                "judged": swept.judged,
                "ceiling": swept.ceiling and asdict(swept.ceiling),
                "points": points,
                "failed": swept.failed,
                "figures": figures,
            }
        )
    else:
        echo_table(
            _table(points), f"{name} over {over} on {chosen.store}, judged by {swept.judged}"
        )
        typer.echo(f"split       {chosen.store}")
        if swept.ceiling is not None:
            typer.echo(
                f"ceiling     {swept.ceiling.value:.4f}: what R2 replicates could reach at most"
            )
        for how in dict.fromkeys(point.how for point in swept.points if point.how):
            typer.echo(f"pca         {how}")
        for figure in figures:
            typer.echo(f"figure      {figure}")
        for trial, why in swept.failed.items():
            typer.echo(f"failed      {trial}: {why}")
    if swept.failed:
        raise typer.Exit(EXIT_REFUSED)


def _table(points: list[dict[str, Any]]) -> pd.DataFrame:
    nothing = dict.fromkeys(("value", "low", "high"), float("nan"))
    rows = []
    for point in points:
        gain, other = (point[key] or nothing for key in ("gain", "replicate_r2"))
        rows.append(
            {
                "model": point["model"],
                "at": point["at"],
                "group": point["group"],
                "rank": point["rank"],
                "trainings": point["trainings"],
                "at start": point["at_start"],
                "train loss": point["train_loss"],
                "loss": point["validation_loss"],
                "R2": point["r2"]["value"],
                "from": point["r2"]["low"],
                "to": point["r2"]["high"],
                "R2 hidden": point["hidden_r2"]["value"],
                "R2 replicates": other["value"],
                "gain": gain["value"],
                "gain from": gain["low"],
                "gain to": gain["high"],
            }
        )
    return pd.DataFrame(rows)

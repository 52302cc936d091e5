"""The models of the demo: the paper's recipe, ours, PCA and a random projection, in one table."""

from dataclasses import dataclass, replace
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
import typer
import xarray as xr

from model.recipe import PAPER, Recipe
from model.score_model import UNTRAINED
from pipeline.choose_split import choose_split
from pipeline.commands.code_figures import draw_code_figures
from pipeline.commands.learn import PART
from pipeline.commands.models import STOPPED, evaluate_model, find_evaluation, train_model
from pipeline.commands.output import counted
from pipeline.commands.trained_model import find_model
from pipeline.exit_codes import EXIT_INTERRUPTED
from pipeline.workspace import Workspace
from storage.enrichment_schema import BOTH, TERM
from storage.open import enrichment_of

# What so few contrasts allow; the rest are the defaults.
SETTINGS = """
# The demo has few contrasts: more of them to test on, the genes that vary most, small batches, a small code
# and no hidden layers.
[prepare.split]
train = 0.6
validation = 0.15
[prepare.genes]
min_contrasts = 5
min_studies = 3
keep = 2000

# With this table `dexome run` trains a model too.
[train]
name = "ours"
[train.network]
code = 8
encoder = []
decoder = []
skip = false
[train.fit]
epochs = 30
batch_size = 8
learning_rate = 3e-4
stop_after = 8
"""

_PAPER_NAME = "paper"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Lines of the table, and what they were trained and scored on: contrasts and studies."""

    lines: list[dict[str, Any]]
    recipe: Recipe
    best_epoch: int
    n_genes: int
    trained_on: tuple[int, int]
    scored_on: tuple[int, int]
    figures: dict[str, Any]

    @property
    def table(self) -> pd.DataFrame:
        """For people: R² with its interval, of hidden entries, and the gain over PCA with its interval."""
        return pd.DataFrame(
            {
                "model": line["model"],
                "rank": line["rank"],
                "R2": round(line["r2"]["value"], 3),
                "from": round(line["r2"]["low"], 3),
                "to": round(line["r2"]["high"], 3),
                "R2 hidden": round(line["hidden_r2"], 3),
                "R2 - PCA's": round(line["gain"]["value"], 3),
                "gain from": round(line["gain"]["low"], 3),
                "gain to": round(line["gain"]["high"], 3),
            }
            for line in self.lines
        )

    def in_words(self) -> str:
        """What the table is of, and what it can and cannot show."""
        ours = _line(self.lines, self.recipe.name)
        paper = next(line for line in self.lines if line["model"].startswith(_PAPER_NAME))
        untrained = _line(self.lines, UNTRAINED)
        settings, n_studies = self.recipe, counted(self.scored_on[1], "study", "studies")
        sentences = (
            f"Trained on {_of(self.trained_on)}, scored on {_of(self.scored_on)} that share no sample "
            f"with them, on the {self.n_genes:,} genes that vary most. R2: the share of the squares around "
            "the training mean; from, to: 95 % of the bootstraps over test studies; R2 hidden: of the "
            "tenth of the entries that the input was not shown.",
            "The paper's recipe is its network (ReLU, sigmoid output) and its training at the demo's size: "
            f"{settings.network.code} units in the place of {PAPER.network.code:,}, batches of "
            f"{settings.fit.batch_size} in the place of {PAPER.fit.batch_size}; on the contrasts, genes "
            "and scaling of ours.",
            "Ours begins as the principal components of the entries that are there, and fills in what is "
            f"missing: that is the line '{UNTRAINED}'. What training adds is the difference to it: "
            f"{_gained(self.best_epoch, ours, untrained)}.",
            f"What this shows: the recipe of the paper, which can't output a negative fold change, "
            f"{_verdict(paper)}; ours {_verdict(ours)}. The random projection is hardly more than the answer "
            "that nothing changes.",
            f"What it can't show: how they compare on thousands of studies. {n_studies} make a coarse "
            f"interval, and a code of {counted(self.trained_on[0], 'contrast')} knows few programs.",
        )
        return "\n".join(fill(sentence, 118) for sentence in sentences)


def compare_models(opened: Workspace, learned: dict[str, Any], tree: xr.DataTree) -> Comparison:
    """Train the paper's recipe at the size of ours, and put both beside PCA and the random projection."""
    ours = opened.config.train
    assert ours is not None
    of_ours = learned["evaluation"]["lines"]
    recipe = replace(
        PAPER,
        network=replace(PAPER.network, code=ours.network.code),
        fit=replace(PAPER.fit, batch_size=ours.fit.batch_size),
    )
    split = choose_split(opened, None)
    if train_model(opened, _PAPER_NAME, recipe, split)["ended"] == STOPPED:
        raise typer.Exit(EXIT_INTERRUPTED)
    paper = find_model(opened, _PAPER_NAME)
    of_paper = find_evaluation(opened, paper, PART) or evaluate_model(opened, paper, PART)
    best = max(
        (line for line in of_ours if line["model"].startswith("PCA")),
        key=lambda line: float(line["r2"]["value"]),
    )
    rows = {part: split.rows(part) for part in ("train", PART)}
    sizes = {part: (len(at), len(np.unique(split.studies[at]))) for part, at in rows.items()}
    return Comparison(
        lines=[
            {**_line(of_paper["lines"], "model"), "model": "paper recipe"},
            {**_line(of_ours, "model"), "model": ours.name},
            _line(of_ours, UNTRAINED),
            best,
            _line(of_ours, "random"),
        ],
        recipe=ours,
        best_epoch=learned["training"]["best_epoch"],
        n_genes=int(split.selected.sum()),
        trained_on=sizes["train"],
        scored_on=sizes[PART],
        figures=draw_code_figures(opened, ours.name, telling_term(enrichment_of(tree))),
    )


def telling_term(enrichment: xr.Dataset) -> str:
    """The term that parts the contrasts most evenly into enriched and not enriched."""
    label = enrichment["label"].values[:, BOTH]
    even = np.minimum((label == 1).sum(0), (label == 0).sum(0))
    return str(enrichment.indexes[TERM][int(np.argmax(even))])


def _line(lines: list[dict[str, Any]], model: str) -> dict[str, Any]:
    return next(line for line in lines if line["model"] == model)


def _of(size: tuple[int, int]) -> str:
    return f"{counted(size[0], 'contrast')} of {counted(size[1], 'study', 'studies')}"


def _gained(best_epoch: int, ours: dict[str, Any], untrained: dict[str, Any]) -> str:
    if best_epoch < 0:
        return "nothing, for no epoch was better than the start on the validation contrasts"
    difference = ours["r2"]["value"] - untrained["r2"]["value"]
    return f"{difference:+.4f} of R2, with the weights after epoch {best_epoch + 1}"


def _verdict(line: dict[str, Any]) -> str:
    gain = line["gain"]
    interval = f"95 %: {gain['low']:+.3f} to {gain['high']:+.3f}"
    if gain["low"] > 0:
        return f"is above PCA by {gain['value']:.3f} ({interval})"
    if gain["high"] < 0:
        return f"is below PCA by {-gain['value']:.3f} ({interval})"
    return f"and PCA can't be told apart ({interval})"

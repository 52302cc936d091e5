"""The table of an evaluation: studies weigh the same in each of its columns, whatever the scaling."""

from pathlib import Path

import numpy as np
import pytest

from model.baselines.projection import mean_only, random_projection
from model.evaluation.recall import top_gene_recall
from model.judge import held_out
from model.networks.settings import NetworkSettings
from model.recipe import Recipe
from model.score_model import score_beside_baselines
from model.task import make_task
from model.training.settings import TrainSettings
from pipeline.prepare.settings import PrepareSettings
from tests.support.prepared import FEW, prepare, random_workspace


def test_recall_and_asymmetry_weigh_studies_and_are_of_the_changes_themselves(
    tmp_path: Path,
) -> None:
    workspace = random_workspace(tmp_path, {f"S{i:02}": 1 + i % 4 for i in range(40)}, n_genes=60)
    split = prepare(workspace, PrepareSettings(genes=FEW, scaling="standard"))[1]
    recipe = Recipe(network=NetworkSettings(code=3), fit=TrainSettings(batch_size=4))
    task = make_task(workspace.disk, workspace.root, "tiny", split, recipe)
    rows = held_out(task, split.rows("test"))
    assert len(set(rows.weight.tolist())) > 1
    n = rows.matrix.shape[1]
    some = random_projection(np.zeros(n, np.float32), n // 2, 0)
    coders = {"mean": (0, mean_only(np.zeros(n))), "some": (n // 2, some)}
    found = score_beside_baselines(task, "test", coders, n_top=5).lines
    mean, half = found
    x = rows.matrix.read(slice(None), slice(None))
    recall = top_gene_recall(x, some.reconstruct(x), 5)
    assert half.recall == pytest.approx(np.average(recall, weights=rows.weight))
    # The mean of a gene whose change is not 0 on average is the same whichever way a contrast is read.
    assert mean.asymmetry == pytest.approx(2)
    c = (task.scaling.shift * task.scaling.scale)[task.scaling.mask]
    raw = np.nan_to_num(x) + c * ~np.isnan(x)
    forward, backward = (
        some.reconstruct(np.where(np.isnan(x), np.nan, sign * raw - c)) + c for sign in (1, -1)
    )
    both = ((forward + backward) ** 2).sum(1) / (forward**2 + backward**2).sum(1)
    assert half.asymmetry == pytest.approx(np.average(both, weights=rows.weight), rel=1e-4)

"""Flags that fix the order of sums, and a model trained on a mesh of devices by the command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.prepared import prepare, random_workspace

CONFIG = """
[genes]
list = "../genes.tsv"
[source]
path = "../source"
[prepare.genes]
min_contrasts = 2
min_studies = 2
[train]
name = "meshed"
[train.network]
code = 3
encoder = [6]
decoder = [6]
[train.fit]
epochs = 2
batch_size = 8
"""
MAIN = "from pipeline.main import main; main()"
MESH = "\n[train.devices]\nrows = 2\ngenes = 2\n"


def dexome(*arguments: object, flags: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *map(str, arguments)],
        env={**os.environ, "XLA_FLAGS": flags, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_model_on_four_devices_is_the_one_on_one_device(tmp_path: Path) -> None:
    workspace = random_workspace(tmp_path, {f"S{i:02}": 2 for i in range(30)}, n_genes=61)
    (tmp_path / "source").mkdir(exist_ok=True)
    prepare(workspace)
    four = "--xla_force_host_platform_device_count=4"
    at = ("-w", workspace.root, "--json")
    losses = {}
    for name, mesh, flags in (("one", "", ""), ("four", MESH, four)):
        (workspace.root / "dexome.toml").write_text(CONFIG + mesh)
        told = json.loads(dexome("train", name, "--deterministic", *at, flags=flags))
        losses[name] = told["validation_loss"]
        config = json.loads((workspace.root / f"models/{name}/config.json").read_text())
        assert config["environment"]["deterministic"]
        assert "--xla_gpu_deterministic_ops=true" in config["environment"]["xla_flags"]
        # What was trained on four devices is used on one.
        lines = json.loads(dexome("evaluate", name, *at, flags=""))["lines"]
        losses[f"{name} r2"] = lines[0]["r2"]["value"]
    assert config["environment"]["devices"] == 4
    assert losses["four"] == pytest.approx(losses["one"], rel=1e-5)
    assert losses["four r2"] == pytest.approx(losses["one r2"], abs=1e-5)

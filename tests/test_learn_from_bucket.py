"""All stages on object storage: terms, split, training copy, model, codes, halves, and what is collected."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cluster.connect import connect
from pipeline.cli import app
from pipeline.examine_cluster import examine_workers
from pipeline.workspace import open_workspace
from storage.generation import list_generations, list_latents
from storage.open import open_compendium
from storage.split import read_split
from storage.training_copy import TrainingCopy
from tests.support.object_storage import CREDENTIALS, S3Server, running_moto, why_no_moto
from tests.support.workspaces import make_workspace, write_study, write_terms
from tests.test_run_model import N_STUDIES, SETTINGS

pytestmark = pytest.mark.skipif(bool(why_no_moto()), reason=why_no_moto() or "moto is there")


@pytest.fixture
def moto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with running_moto(tmp_path / "moto.log") as server:
        yield server


def call(root: Path, *arguments: str) -> Any:
    done = CliRunner().invoke(app, [*arguments, "-w", str(root), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.slow
def test_every_stage_works_on_object_storage_and_leaves_only_models_here(
    tmp_path: Path, moto: S3Server
) -> None:
    root = make_workspace(tmp_path, studies=N_STUDIES).root
    write_terms(tmp_path)
    root.mkdir()
    storage = f'[storage]\naddress = "{moto.address("lab/mine")}"\nendpoint = "{moto.endpoint}"\n'
    (root / "dexome.toml").write_text(SETTINGS + storage)
    first = call(root, "run")
    assert first["learned"]["training"]["ended"] == "all 2 epochs are done"
    call(root, "halves")
    scores = call(root, "evaluate", "main")
    assert scores["halves"] is not None
    assert len(call(root, "query", "contrast", "S0")) > 0
    disk = open_workspace(root).disk
    split = read_split(disk)
    local = root / "cache"
    copy = TrainingCopy.open(disk, split.copy, cache=local)
    assert copy.chunk_file("logfc", 0).is_relative_to(local)
    tree = open_compendium(disk)
    assert {"contrasts", "latent-main", split.store.removesuffix(".zarr")} <= set(tree.children)
    here = {path.name for path in root.iterdir()}
    assert here <= {"dexome.toml", "models", "cache", "cluster"}
    # A second generation, and the first collected but for what a model holds.
    write_study(tmp_path / "source" / "studies" / "S99", 99)
    call(root, "run")
    assert len(list_generations(disk)) == 2
    assert call(root, "doctor")["findings"] == []
    assert call(root, "gc", "--keep", "1")["deleted"] == []
    (root / "models" / "main" / "config.json").unlink()
    assert len(call(root, "gc", "--keep", "1")["deleted"]) == 1
    (left,) = list_generations(disk)
    here = {name.split("/")[1] for name in disk.list("compendium")}
    assert here == {"CURRENT", "places", left}
    assert list_latents(disk, left) == ["latent-main.zarr"]


def test_a_worker_is_asked_whether_it_can_write_into_the_bucket(
    tmp_path: Path, moto: S3Server
) -> None:
    root = make_workspace(tmp_path, studies=1).root
    root.mkdir()
    storage = f'[storage]\naddress = "{moto.address("lab")}"\nendpoint = "{moto.endpoint}"\n'
    (root / "dexome.toml").write_text(SETTINGS + storage)
    opened = open_workspace(root)
    with connect(opened.config.profile("tiny")) as client:
        (good,) = [f for f in examine_workers(client, opened) if f.name == "storage"]
        (root / "dexome.toml").write_text(SETTINGS + storage.replace("dexome-tests", "elsewhere"))
        (bad,) = [f for f in examine_workers(client, open_workspace(root)) if f.name == "storage"]
    assert (good.good, bad.good) == (True, False)
    assert "there is no such bucket" in bad.message
    assert opened.disk.list("") == []

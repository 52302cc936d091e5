"""`dexome init --dee2`, `fetch` and `run`, as a user meets them."""

import json
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.simulate.mirror import write_mirror
from tests.support.command import dexome, start_dexome
from tests.support.fetched import SMALL
from tests.support.mirror_server import serve
from tests.support.workspaces import make_workspace

ACCESSIONS = "SRP990000000,GSE99000003"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mirror") / "mirror"
    write_mirror(path, replace(SMALL, n_studies=6), bulk=False)
    return path


def make_work(root: Path, mirror: Path, address: str) -> Path:
    """A workspace made by `dexome init`, whose servers are at another address."""
    genes = mirror / "genes.tsv.gz"
    made = CliRunner().invoke(
        app,
        [
            "init",
            str(root),
            "--genes",
            str(genes),
            "--dee2",
            "mmusculus",
            "--accessions",
            ACCESSIONS,
        ],
    )
    assert made.exit_code == 0, made.output
    path = root / "dexome.toml"
    text = path.read_text()
    for name, line in (("dee2", "https://dee2.io"), ("geo", "https://ftp.ncbi.nlm.nih.gov/geo")):
        at = text.index(f'# {name} = "{line}"')
        text = f'{text[:at]}{name} = "{address}/{name}"  {text[at:]}'
    path.write_text(text + '[cluster.tiny]\nkind = "threads"\nworkers = 1\n')
    return root


def test_fetch_tells_what_came_and_what_did_not_and_run_goes_on_from_there(
    mirror: Path, tmp_path: Path
) -> None:
    own = tmp_path / "mirror"
    shutil.copytree(mirror, own)
    work = make_work(tmp_path / "ws", own, str(own))
    done = dexome("fetch", "-w", work, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["studies"], told["here_before"], told["refused"]) == (2, 0, [])
    assert told["bytes"] > 10_000
    assert "fetch    2/2" in done.stderr
    next((own / "dee2" / "cgi-bin").iterdir()).unlink()
    for path in (work / "raw" / "dee2" / "requests").rglob("*.zip"):
        path.unlink()
    again = dexome("fetch", "-w", work)
    assert again.returncode == 3
    assert "2, 1 of them here before" in again.stdout
    assert "SRP990000003: not_on_server: DEE2 lists" in again.stdout
    run = dexome("run", "-w", work, "--json")
    assert run.returncode == 3, run.stderr
    summary = json.loads(run.stdout)
    assert (summary["studies"], summary["analysed"]) == (2, 1)
    assert [item["reason"] for item in summary["refused"]] == ["not_on_server"]


def test_wrong_usage_is_told(tmp_path: Path) -> None:
    runner = CliRunner()
    genes = tmp_path / "genes.tsv"
    genes.write_text("gene_id\nENSMUSG00000000001\n")
    base = ["init", str(tmp_path / "ws"), "--genes", str(genes)]
    assert runner.invoke(app, base).exit_code == 2
    assert runner.invoke(app, [*base, "--source", ".", "--dee2", "mmusculus"]).exit_code == 2
    assert runner.invoke(app, [*base, "--source", ".", "--accessions", "SRP1"]).exit_code == 2
    done = dexome(*base, "--dee2", "mouse")
    assert done.returncode == 1
    assert done.stderr.startswith("error: species must be one of")
    workspace = make_workspace(tmp_path, studies=1)
    source = workspace.config.source.path
    assert runner.invoke(app, [*base, "--source", str(source)]).exit_code == 0
    done = dexome("fetch", "-w", tmp_path / "ws")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: the source is a folder, so there is nothing to fetch")


def test_ctrl_c_ends_a_fetch_with_a_word_and_the_next_goes_on(mirror: Path, tmp_path: Path) -> None:
    with serve(mirror, {"request.sh": ["html*"]}) as server:
        work = make_work(tmp_path / "ws", mirror, server.address)
        process = start_dexome("fetch", "-w", work)
        deadline = time.monotonic() + 60
        while not any("request.sh" in path for path, _ in server.asked):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 130
        assert errors.strip().splitlines()[-1].startswith("stopped; run the same command again")
        assert "Traceback" not in errors
        server.faults.clear()
        assert dexome("fetch", "-w", work).returncode == 0

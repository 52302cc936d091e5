"""The commands, as a user meets them: what they print, and how they end."""

import gc
import json
import os
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.exit_codes import EXIT_INTERRUPTED
from pipeline.main import main
from storage.disk import Disk
from storage.generation import FOLDER, list_generations
from tests.support.command import dexome, start_dexome
from tests.support.workspaces import make_workspace, write_study

SETTINGS = '[cluster.tiny]\nkind = "threads"\nworkers = 1\n'


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace made by `dexome init` and `dexome run`; one of its studies is refused."""
    top = tmp_path_factory.mktemp("cli")
    make_workspace(top, studies=2)
    (top / "source" / "studies" / "S7").mkdir()
    work = top / "ws"
    source = top / "source" / "studies"
    made = dexome("init", work, "--genes", top / "genes.tsv", "--source", source)
    assert made.returncode == 0, made.stderr
    with (work / "dexome.toml").open("a") as file:
        file.write(SETTINGS)
    done = dexome("run", "-w", work, "--json")
    assert done.returncode == 3, done.stderr
    summary = json.loads(done.stdout)
    assert summary["analysed"] == 2
    assert [item["study"] for item in summary["refused"]] == ["S7"]
    return work


def test_help_keeps_the_names_of_tables_in_brackets() -> None:
    told = {
        ("run",): ["[enrich]", "[train]"],
        ("prepare",): ["[prepare]", "[cluster.NAME]"],
        ("sweep",): ["[train]", "[cluster.NAME]"],
        ("cluster", "check"): ["[cluster.NAME]"],
    }
    for command, names in told.items():
        text = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"}).stdout
        assert [name for name in names if name not in text] == [], command


def test_status_tells_of_a_lease_that_cannot_be_read(root: Path) -> None:
    lease = root / "lease.json"
    lease.write_text('{"host": "x"')
    try:
        done = dexome("status", "-w", root)
    finally:
        lease.unlink()
    assert done.returncode == 0, done.stderr


def test_the_version_is_that_of_the_package() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert done.stdout == f"dexome {version('dexome')}\n"


def test_help_names_every_command() -> None:
    runner = CliRunner()
    text = runner.invoke(app, ["--help"]).stdout
    commands = [command.name for command in app.registered_commands] + ["query", "cluster"]
    assert {"init", "run", "fetch", "plan", "analyse", "compile", "dea", "go", "demo"} <= set(
        commands
    )
    assert {"status", "doctor", "gc"} <= set(commands)
    for command in commands:
        assert str(command) in text
        assert runner.invoke(app, [str(command), "--help"]).exit_code == 0


def test_a_run_without_refusals_ends_with_0(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, studies=1)
    dexome(
        "init",
        tmp_path / "ws",
        "--genes",
        workspace.config.genes.list,
        "--source",
        tmp_path / "source/studies",
    )
    with (tmp_path / "ws" / "dexome.toml").open("a") as file:
        file.write(SETTINGS)
    for stage in ("plan", "analyse", "compile", "run"):
        done = dexome(stage, "-w", tmp_path / "ws")
        assert done.returncode == 0, done.stderr
    assert "unchanged" in done.stdout
    assert "all done" in done.stdout


def test_stages_out_of_order_say_what_to_run_first(tmp_path: Path, root: Path) -> None:
    empty = tmp_path / "ws"
    empty.mkdir()
    (empty / "dexome.toml").write_text((root / "dexome.toml").read_text())
    for stage in ("analyse", "compile"):
        done = dexome(stage, "-w", empty)
        assert done.returncode == 1
        assert done.stderr.strip() == f"error: {empty} has no plan yet; run `dexome plan` first"


def test_status_tells_where_everything_is(root: Path) -> None:
    told = json.loads(dexome("status", "-w", root, "--json").stdout)
    assert Path(told["compendium"]["address"]).is_dir()
    assert told["compendium"]["contrasts"] == 3
    assert told["compendium"]["studies"] == {"analysed": 2, "refused": 1}
    assert told["plan"] == {"studies": 3, "planned": 2, "refused": {"no_counts": 1}}
    text = dexome("status", cwd=root).stdout
    assert told["compendium"]["address"] in text
    assert "2 of 3 studies in; refused: no_counts 1" in text


def test_a_gene_query_prints_its_contrasts(root: Path, tmp_path: Path) -> None:
    rows = json.loads(dexome("query", "gene", "Gene239", "-w", root, "--json").stdout)
    assert rows[0]["contrast"].startswith("S")
    assert rows[0]["p_value"] <= rows[-1]["p_value"]
    assert rows[0]["neg_log10_p"] > 3
    lines = dexome("query", "gene", "Gene239", "-w", root, "--top", "1").stdout.splitlines()
    assert len(lines) == 2
    assert lines[1].split("\t")[0] == rows[0]["contrast"]
    out = tmp_path / "gene.tsv"
    dexome("query", "gene", "Gene239", "-w", root, "--all", "--out", out)
    assert list(pd.read_csv(out, sep="\t")["contrast"]) == [
        "S0:drug_vs_control",
        "S1:drug_vs_control",
        "S1:other_vs_control",
    ]


@pytest.mark.parametrize("ending", ["tsv", "tsv.gz", "csv", "parquet"])
def test_a_contrast_query_is_written_by_its_name_s_ending(
    root: Path, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / f"contrast.{ending}"
    done = dexome("query", "contrast", "S0:drug_vs_control", "-w", root, "--all", "--out", out)
    assert done.stdout.strip() == f"wrote 240 rows to {out}"
    if ending == "parquet":
        table = pd.read_parquet(out)
    else:
        table = pd.read_csv(out, sep="," if ending == "csv" else "\t")
    assert list(table.columns[:4]) == ["gene", "symbol", "biotype", "logfc"]
    assert len(table) == 240


def test_what_is_not_there_is_one_sentence_and_code_1(root: Path) -> None:
    done = dexome("query", "gene", "Gen239", "-w", root)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no gene of the compendium is called Gen239; did you mean")
    assert len(done.stderr.splitlines()) == 1


def test_wrong_usage_is_code_2(root: Path) -> None:
    assert dexome("query", "gene").returncode == 2
    runner = CliRunner()
    for line in ("nonsense", "query gene Gene1 --by luck", "gc --keep 0", "gc", "run --cluster"):
        assert runner.invoke(app, [*line.split(), "-w", str(root)]).exit_code == 2


def test_doctor_ends_with_1_and_names_file_studies_and_cure(root: Path) -> None:
    sound = dexome("doctor", "-w", root)
    assert sound.returncode == 0
    assert "sound" in sound.stdout
    disk = Disk(root)
    shard = disk.path(f"{FOLDER}/{list_generations(disk)[-1]}/contrasts.zarr/t/c/0/0")
    data = shard.read_bytes()
    shard.write_bytes(data[:-1])
    told = dexome("doctor", "-w", root)
    assert told.returncode == 1
    assert str(shard) in told.stdout
    assert "S0, S1" in told.stdout
    assert "dexome compile --rebuild" in told.stdout
    assert json.loads(dexome("doctor", "-w", root, "--json").stdout)["sound"] is False
    assert dexome("compile", "--rebuild", "-w", root).returncode == 3
    assert dexome("doctor", "-w", root).returncode == 0


def test_gc_deletes_the_old_and_says_so(root: Path) -> None:
    assert dexome("compile", "--rebuild", "-w", root).returncode == 3
    names = list_generations(Disk(root))
    told = json.loads(dexome("gc", "--keep", "1", "-w", root, "--json").stdout)
    assert told["deleted"] == names[:-1]
    assert dexome("doctor", "-w", root).returncode == 0


class Interrupting:
    """A terminal whose user has second thoughts while the command is imported."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        del path, target
        if name == "pipeline.cli":
            raise KeyboardInterrupt


def test_ctrl_c_while_a_command_is_imported_stops_with_a_word_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "pipeline.cli")
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == EXIT_INTERRUPTED
    assert capsys.readouterr().err.startswith("stopped; run the same command again")
    assert gc.isenabled()


@pytest.mark.slow
@pytest.mark.alone
def test_ctrl_c_stops_with_a_word_and_the_next_run_goes_on(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, studies=0)
    source = workspace.config.source.path
    for number in range(40):
        write_study(source / f"S{number:02d}", number)
    root = tmp_path / "ws"
    dexome("init", root, "--genes", workspace.config.genes.list, "--source", source)
    process = start_dexome("run", "-w", root)
    deadline = time.monotonic() + 60
    while not list((root / "parts").glob("dea/*/*.part")) and time.monotonic() < deadline:
        time.sleep(0.02)
    # As a terminal does it: every process of the group is told.
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (
        errors.strip().splitlines()[-1] == "stopped; run the same command again to go on from here"
    )
    assert "Traceback" not in errors
    done = dexome("run", "-w", root, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["analysed"] == 40
    assert summary["analysed_before"] >= 1

"""Thirty runs, each disturbed at a random moment while a reader looks on, end as if undisturbed."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from storage.doctor import examine
from storage.files import Files
from storage.open import open_compendium, studies_of
from storage.parts import FOLDER as PARTS
from tests.support.command import dexome, dexome_from_nothing, start_dexome
from tests.support.disturb import (
    KILLED,
    OUTAGE,
    PROFILES,
    STORM,
    Driver,
    Scene,
    cut_off,
    disk_bytes,
    fill_disk,
    kill_controller,
    kill_driver,
    kill_nanny,
    kill_scheduler,
    kill_worker,
)
from tests.support.faulty_proxy import FaultyProxy, running_proxy
from tests.support.object_storage import CREDENTIALS, S3Server, running_moto, why_no_moto
from tests.support.slurm import Slurm, running_slurm, why_not
from tests.support.traced import Trace
from tests.support.whole_run import content_hash
from tests.support.workspaces import make_workspace, write_study

STUDIES = 10
TRIALS = 30
WHAT_HAPPENS = (
    *("worker", "driver", "nanny", "scheduler"),
    *("full disk", "cut connection", "503 storm", "slurmctld"),
)
OF_A_BUCKET = ("cut connection", "503 storm")
PAUSE_S = 0.1
# Beyond this fraction of a run nothing may be left to do when it happens.
LATE = 0.95
# Often enough to see a publication from both sides, seldom enough to leave the run its cores.
LOOK_EVERY_S, WATCH_EVERY_S = 0.5, 0.03

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300, func_only=True)]


@dataclass(frozen=True, slots=True)
class Trial:
    """What happens, after which fraction of an undisturbed run's trace, how long then, and for how long."""

    number: int
    what: str
    fraction: float
    then_s: float
    for_s: float

    def __str__(self) -> str:
        at = f"{self.number}-{self.what}-at-{self.fraction:.2f}-and-{self.then_s:.2f}s"
        return f"{at}-to-the-end" if self.outlasts else at

    @property
    def outlasts(self) -> bool:
        """Whether a bucket is away for longer than the client tries."""
        return self.what in OF_A_BUCKET and self.number // len(WHAT_HAPPENS) % 2 == 1


def draw_trial(number: int) -> Trial:
    """The trial of this number, always the same."""
    rng = np.random.default_rng([7, number])
    what = WHAT_HAPPENS[number % len(WHAT_HAPPENS)]
    return Trial(number, what, rng.random(), rng.uniform(0, 2 * PAUSE_S), rng.uniform(0.5, 2.5))


@dataclass(frozen=True, slots=True)
class Base:
    """A workspace with one published study and more to come, and what an undisturbed run makes of it."""

    work: Path
    before: str
    after: str
    n_lines: int
    grows_by: int


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    root = tmp_path_factory.mktemp("base")
    workspace = make_workspace(root, studies=1)
    work, undisturbed, source = root / "ws", root / "undisturbed", workspace.config.source.path
    made = dexome("init", work, "--genes", workspace.config.genes.list, "--source", source)
    assert made.returncode == 0, made.stderr
    with (work / "dexome.toml").open("a") as file:
        file.write(PROFILES)
    assert dexome("run", "-w", work, "--cluster", "again").returncode == 0
    shutil.rmtree(work / "cluster", ignore_errors=True)
    for number in range(1, STUDIES):
        write_study(source / f"S{number}", number)
    shutil.copytree(work, undisturbed)
    trace = Trace(root / "trace")
    with pytest.MonkeyPatch.context() as patch:
        set_environment(patch, trace)
        done = dexome_from_nothing("run", "-w", undisturbed, "--cluster", "again")
    assert done.returncode == 0, done.stderr
    assert set(trace.computed().values()) == {1}
    return Base(
        work=work,
        before=content_hash(open_compendium(work)),
        after=content_hash(open_compendium(undisturbed)),
        n_lines=trace.n_lines(),
        grows_by=disk_bytes(undisturbed) - disk_bytes(work),
    )


def set_environment(
    patch: pytest.MonkeyPatch, trace: Trace, pause_s: float = 0.0, *, patient: bool = True
) -> None:
    """Have the commands that are started from now on traced."""
    for name, value in trace.environment(pause_s, patient=patient).items():
        patch.setenv(name, value)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    if why_not():
        pytest.skip(why_not())
    with (
        running_slurm(tmp_path_factory.mktemp("slurm") / "root") as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in running.environment.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[S3Server, FaultyProxy]]:
    if why_no_moto():
        pytest.skip(why_no_moto())
    with (
        running_moto(tmp_path_factory.mktemp("moto") / "log") as server,
        running_proxy(server.endpoint) as proxy,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield server, proxy


@pytest.mark.parametrize("trial", [draw_trial(number) for number in range(TRIALS)], ids=str)
def test_a_disturbed_run_is_resumed_and_ends_as_if_undisturbed(
    trial: Trial,
    base: Base,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    trace = Trace(tmp_path / "trace")
    set_environment(monkeypatch, trace, PAUSE_S, patient=not trial.outlasts)
    with scene_of(trial, base, tmp_path, request) as scene:
        reader = open_compendium(scene.files)
        driver = start_dexome("run", "-w", scene.work, "--cluster", scene.cluster)
        try:
            seen = strike_after(trial, base, scene, driver, trace)
        finally:
            driver.kill()
        assert seen <= {base.before, base.after}, "a reader saw neither generation"
        written = parts_of(scene.files)
        set_environment(monkeypatch, trace)
        with scene.mended() as cluster:
            done = dexome_from_nothing("run", "-w", scene.work, "--cluster", cluster)
        assert done.returncode == 0, done.stderr
        assert written.items() <= parts_of(scene.files).items(), "a part was lost or written again"
        assert content_hash(open_compendium(scene.files)) == base.after
        assert set(studies_of(open_compendium(scene.files))["status"].values) == {"analysed"}
        assert content_hash(reader) == base.before, "an open reader saw its generation change"
        assert examine(scene.files)[1] == []
        left = [
            path for path in scene.work.rglob(".*") if path.name.startswith((".tmp-", ".building-"))
        ]
        assert not left
    assert trace.done_again({"S0"}) == []
    computed = trace.computed()
    assert computed.keys() == {f"S{number}" for number in range(1, STUDIES)}
    assert computed.total() - len(computed) <= scene.in_flight


def strike_after(trial: Trial, base: Base, scene: Scene, driver: Driver, trace: Trace) -> set[str]:
    """Strike at the trial's moment, reading the compendium all the while; return what was read."""
    seen: set[str] = set()
    line, struck = 1 + int(trial.fraction * (base.n_lines - 1)), scene.strike is None
    last_look = 0.0
    strike_at: float | None = None
    while driver.poll() is None:
        now = time.monotonic()
        if strike_at is None and trace.n_lines() >= line:
            strike_at = now + trial.then_s
        if scene.strike and not struck and strike_at is not None and now >= strike_at:
            scene.strike(driver)
            struck = True
        if now - last_look >= LOOK_EVERY_S:
            seen.add(content_hash(open_compendium(scene.files)))
            last_look = now
        time.sleep(WATCH_EVERY_S)
    _, told = driver.communicate(timeout=120)
    if driver.returncode == 0:
        assert content_hash(open_compendium(scene.files)) == base.after
        assert trial.fraction > LATE or (struck and not scene.ends_with)
    else:
        assert struck, told
        assert scene.ends_with, told
        if scene.ends_with != KILLED:
            assert "Traceback" not in told, told
            assert re.search(scene.ends_with, f"\n{told}".rpartition("\nerror: ")[2]), told
    return seen


def parts_of(files: Files) -> dict[str, str | None]:
    """The parts there are, and their checksums."""
    return {key: files.sha256(key) for key in files.list(PARTS) if key.endswith(".part")}


def scene_of(
    trial: Trial, base: Base, root: Path, request: pytest.FixtureRequest
) -> AbstractContextManager[Scene]:
    """Where the trial takes place."""
    on_disk: dict[str, Callable[[Path, Path], AbstractContextManager[Scene]]] = {
        "worker": kill_worker,
        "driver": kill_driver,
        "nanny": kill_nanny,
        "scheduler": kill_scheduler,
    }
    if trial.what in on_disk:
        return on_disk[trial.what](base.work, root)
    if trial.what == "slurmctld":
        return kill_controller(base.work, root, request.getfixturevalue("slurm"), trial.for_s)
    if trial.what == "full disk":
        return fill_disk(base.work, root, base.grows_by, trial.fraction)
    server, proxy = request.getfixturevalue("bucket")
    fault = OUTAGE if trial.what == "cut connection" else STORM
    away_s = None if trial.outlasts else trial.for_s
    return cut_off(base.work, root, server, proxy, fault, away_s)

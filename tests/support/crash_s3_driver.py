"""Trouble tiny jobs at their numbered commits on S3, run them again, and compare; a program of its own.

`python -m tests.support.crash_s3_driver ROOT TROUBLE:FIRST:STRIDE …` tries the commits FIRST, FIRST + STRIDE,
… of each job, or with `TROUBLE:kinds` some of each kind, and prints a line of JSON. The jobs are `run` (a
study is added to a compendium) and `prepare` (then it is split, and a training copy written). TROUBLE is
`kill` (of the process, before the request), `error` (500 in the place of the request) or `lost` (the request
is done, its answer does not come). A run is killed once; what it is to overcome comes again at every
`SPACING`th commit, so that a few runs have it at each.

The server and the proxy are processes of their own; the run, and each look at the bucket, happen in forks
of one thread-free process with all imports done.
"""

import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.config import StorageConfig
from pipeline.prepare.settings import PrepareSettings, SplitSettings
from pipeline.stages.analyse_study import make_part
from pipeline.stages.prepare import prepare_study
from pipeline.stages.task import make_tasks
from pipeline.workspace import Workspace
from storage.doctor import examine
from storage.generation import CURRENT_KEY, read_current
from storage.open import contrasts_of, open_compendium
from tests.support.crash_steps import die_at_step, record_steps, wanted_steps
from tests.support.executions import executions, log_executions, receipts
from tests.support.faulty_proxy import Fault, FaultyProxy, running_proxy
from tests.support.in_forks import answer, fork_status, import_what_it_imports, in_fork
from tests.support.object_storage import (
    CREDENTIALS,
    REGION,
    remember,
    restore,
    running_moto,
    store_at,
)
from tests.support.prepared import FEW, prepare
from tests.support.stopped_clock import stop_clock
from tests.support.whole_run import run_whole
from tests.support.workspaces import make_workspace, write_study

PREFIX = "work"
# Far enough for a client to have overcome one fault before the next.
SPACING = 12
_PREPARE = PrepareSettings(genes=FEW, split=SplitSettings(train=1.0, validation=0.0))
JOBS: dict[str, Callable[[Workspace], object]] = {
    "run": run_whole,
    "prepare": lambda workspace: prepare(workspace, _PREPARE),
}


@dataclass(frozen=True, slots=True)
class Trials:
    """What trials share: the job, the workspace with and without the proxy, the bucket before and after."""

    job: Callable[[Workspace], object]
    direct: Workspace
    troubled: Workspace
    proxy: FaultyProxy
    commits: list[tuple[str, str]]
    steps: list[str]
    before: dict[str, Any]
    after: dict[str, Any]
    remembered: Path

    @property
    def endpoint(self) -> str:
        """Where the server answers without faults."""
        assert self.direct.config.storage is not None
        return str(self.direct.config.storage.endpoint)


def main(root: Path, orders: list[str]) -> None:
    """Follow all orders, one after the other, on one server."""
    os.environ.update(CREDENTIALS)
    stop_clock()
    local = make_workspace(root, studies=2)
    local.root.mkdir()
    # Kernels are loaded once, before the forks.
    task = make_tasks(local.root, local.config, local.read_genes())[0]
    make_part(task, prepare_study(task))
    with ExitStack() as stack:
        moto = stack.enter_context(running_moto(root / "moto.log"))
        proxy = stack.enter_context(running_proxy(moto.endpoint))
        at = StorageConfig(address=moto.address(PREFIX), endpoint=moto.endpoint, region=REGION)
        direct = Workspace(local.root, replace(local.config, storage=at))
        through_proxy = replace(at, endpoint=proxy.endpoint)
        troubled = Workspace(local.root, replace(local.config, storage=through_proxy))
        import_what_it_imports(partial(_make_and_look, direct))
        # What was allocated so far is never touched by the collector again: forks share its pages.
        gc.collect()
        gc.freeze()
        write_study(root / "source" / "studies" / "S2", 2)
        told: dict[str, dict[str, object]] = {}
        for name, job in JOBS.items():
            trials = _begin(job, direct, troubled, proxy)
            told[name] = {
                "commits": sorted(map(list, trials.commits)),
                "steps": len(trials.steps),
            }
            for order in orders:
                trouble, _, which = order.partition(":")
                told[name][trouble] = _try_all(trials, trouble, wanted_steps(trials.steps, which))
            # Where the next job begins.
            in_fork(partial(job, direct))
    sys.stdout.write(json.dumps(told) + "\n")


def _begin(
    job: Callable[[Workspace], object], direct: Workspace, troubled: Workspace, proxy: FaultyProxy
) -> Trials:
    """Remember the bucket, and do the job undisturbed."""
    at = direct.config.storage
    assert at is not None
    before = json.loads(answer(lambda: _found(direct)))
    remembered = direct.root / "remembered"
    in_fork(lambda: remember(str(at.endpoint), remembered))
    proxy.set()
    steps = record_steps(lambda: job(troubled))
    commits = proxy.writes()
    after = json.loads(answer(lambda: _found(direct)))
    assert before["objects"] != after["objects"]
    in_fork(lambda: _examine(direct))
    in_fork(lambda: restore(str(at.endpoint), remembered))
    return Trials(job, direct, troubled, proxy, commits, steps, before, after, remembered)


def _try_all(trials: Trials, trouble: str, steps: Sequence[int]) -> dict[str, object]:
    """Trouble a run at one step after the other."""
    failures: list[dict[str, object]] = []
    ended, troubled = 0, set()
    # Of a trouble that comes again and again, a few runs have it at each commit.
    tried = [step for step in steps if trouble == "kill" or step < SPACING]
    for step in tried:
        if trouble == "kill":
            status = fork_status(partial(_run, trials.job, trials.direct, step))
        else:
            trials.proxy.set(*_faults(trouble, trials.commits, step))
            status = fork_status(lambda: _run(trials.job, trials.troubled, None))
            troubled |= set(trials.proxy.faulted())
            trials.proxy.set()
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        ended += bool(status) and not killed
        if fork_status(lambda: _verify(trials)):
            problem = (trials.direct.root / "problem").read_text()
            failures.append({"step": step, "problem": problem})
            in_fork(lambda: restore(trials.endpoint, trials.remembered))
        if trouble == "kill" and not killed:
            failures.append({"step": step, "problem": "the run came to its end before it"})
    return {
        "tried": tried,
        "ended": ended,
        "troubled": sorted(map(list, troubled)),
        "failures": failures,
    }


def _faults(trouble: str, commits: list[tuple[str, str]], first: int) -> list[Fault]:
    """The faults of one run: to the commit of that number, and to those `SPACING` commits apart from it."""
    kind: Any = trouble
    names = [" ".join(commit) for commit in commits]
    # Some commits are of one name: a key is created, then changed.
    numbered = [(name, names[: i + 1].count(name)) for i, name in enumerate(names)]
    return [Fault(kind, number, of=name) for name, number in numbered[first::SPACING]]


def _make_and_look(workspace: Workspace) -> None:
    for job in JOBS.values():
        job(workspace)
    _found(workspace)
    _examine(workspace)


def _examine(workspace: Workspace) -> None:
    findings = examine(workspace.disk)[1]
    assert not findings, f"doctor finds {findings}"


def _run(job: Callable[[Workspace], object], workspace: Workspace, dies_at: int | None) -> None:
    """Run, and die before the request of that number."""
    log_executions(workspace.root)
    if dies_at is not None:
        die_at_step(dies_at)
    job(workspace)


def _verify(trials: Trials) -> None:
    """Look at what the trouble left, run again, compare with an undisturbed run, and restore the bucket."""
    root, files = trials.direct.root, trials.direct.disk
    try:
        reader = contrasts_of(open_compendium(files))
        seen = reader["logfc"].values
        known = {len(of["contrasts"]): of["logfc"] for of in (trials.before, trials.after)}
        assert seen.tobytes().hex() == known[len(seen)], "a reader saw a third generation"
        done, executed = set(receipts(root)), len(executions(root))
        log_executions(root)
        trials.job(trials.direct)
        again = done & set(executions(root)[executed:])
        assert not again, f"{again} were analysed again after their receipt"
        found = json.loads(_found(trials.direct))
        # With the bytes of all objects those of a run that the doctor found nothing in, all values are equal.
        differs = [what for what in found if found[what] != trials.after[what]]
        assert not differs, f"its {differs} are not those of the undisturbed one"
        assert reader["logfc"].values.tobytes() == seen.tobytes(), "a generation was changed"
    except BaseException as error:
        (root / "problem").write_text("".join(traceback.format_exception(error)))
        raise
    finally:
        for log in ("receipts", "executions"):
            (root / log).unlink(missing_ok=True)
    restore(trials.endpoint, trials.remembered)


def _found(workspace: Workspace) -> str:
    """What a bucket is, as JSON: contrasts, log fold changes, the generation, each object by its hash."""
    current = read_current(workspace.disk)
    storage_of = workspace.config.storage
    assert current is not None
    assert storage_of is not None
    contrasts = contrasts_of(open_compendium(workspace.disk))
    # All of them, with what a bucket does not list.
    objects = store_at(str(storage_of.endpoint)).list().collect()
    found = {
        "contrasts": [str(name) for name in contrasts["contrast"].values],
        "logfc": contrasts["logfc"].values.tobytes().hex(),
        # The one thing that is new in each run, with the clock stopped.
        "current": asdict(replace(current, write_id="")),
        "objects": {
            found["path"]: found["e_tag"]
            for found in objects
            if found["path"] != f"{PREFIX}/{CURRENT_KEY}"
        },
    }
    return json.dumps(found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

"""Kill a tiny run at every numbered step on the disk, run it again, and compare; a program of its own.

`python -m tests.support.crash_driver JOB ROOT FIRST:STRIDE` tries the steps FIRST, FIRST + STRIDE, …, or with
`kinds` in their place some of each kind, and prints a line of JSON. JOB is `run` (a study is added to a
compendium) or `enrich`.
Everything happens in forks of one thread-free process with all imports done.
"""

import gc
import hashlib
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.enrich.study import enrich_study as test_all_terms
from pipeline.stages.analyse_study import make_part
from pipeline.stages.prepare import prepare_study
from pipeline.stages.task import make_tasks
from pipeline.stages.terms import prepare_terms
from pipeline.workspace import Workspace
from storage.doctor import examine
from storage.generation import CURRENT_KEY
from storage.open import open_compendium
from storage.parts import Part
from tests.support.crash_steps import die_at_step, record_steps, wanted_steps
from tests.support.executions import executions, log_executions, receipts
from tests.support.in_forks import answer, exit_with, fork_status, import_what_it_imports
from tests.support.stopped_clock import stop_clock
from tests.support.whole_run import compendium_hash, content_hash, run_enrichment, run_whole
from tests.support.workspaces import make_workspace, write_study, write_terms

Job = Callable[[Workspace], object]
JOBS: dict[str, Job] = {"run": run_whole, "enrich": run_enrichment}


def main(job: str, root: Path, which: str) -> None:
    """Kill a run at each of the steps wanted."""
    stop_clock()
    base = make_workspace(root, studies=2)
    if job == "enrich":
        base = Workspace(base.root, replace(base.config, enrich=write_terms(root)))
    genes = base.read_genes()
    # Kernels are loaded once, before the forks.
    task = make_tasks(base.root, base.config, genes)[0]
    part = make_part(task, prepare_study(task))
    if job == "enrich":
        _warm_up_enrichment(base, part)
    import_what_it_imports(lambda: run_whole(base))
    before = answer(lambda: compendium_hash(base.root))
    if job == "run":
        write_study(root / "source" / "studies" / "S2", 2)
    undisturbed = _copy(base, root / "undisturbed")
    counted = _copy(base, root / "counted")
    import_what_it_imports(lambda: _make_and_examine(JOBS[job], undisturbed))
    # What was allocated so far is never touched by the collector again: forks share its pages.
    gc.collect()
    gc.freeze()
    after = answer(lambda: compendium_hash(undisturbed.root))
    assert before != after
    files = _files(undisturbed.root)
    steps = record_steps(lambda: JOBS[job](counted))
    failures = []
    wanted = wanted_steps(steps, which)
    for step in wanted:
        trial = _copy(base, root / "trial")
        problem, killed = _try(JOBS[job], trial, step, (before, after), files)
        if not killed:
            problem = problem or "the run came to its end before it"
        if problem:
            failures.append({"step": step, "problem": problem})
    told = {"steps": len(steps), "tried": [*wanted], "failures": failures}
    sys.stdout.write(json.dumps(told) + "\n")


def _make_and_examine(job: Job, workspace: Workspace) -> None:
    job(workspace)
    findings = examine(workspace.disk)[1]
    assert not findings, f"doctor finds {findings}"


def _try(
    job: Job, trial: Workspace, step: int, known: tuple[str, str], files: dict[str, str]
) -> tuple[str, bool]:
    """Kill one run at one step; say what was wrong, and whether the run lived to reach the step."""
    ready, tell_ready = os.pipe()
    proceed, tell_proceed = os.pipe()
    verifier = os.fork()
    if verifier == 0:
        exit_with(lambda: _verify(job, trial, known, files, tell_ready, proceed))
    os.read(ready, 1)
    status = fork_status(lambda: _run_and_die(job, trial, step))
    os.write(tell_proceed, b"1")
    _, verdict = os.waitpid(verifier, 0)
    for end in (ready, tell_ready, proceed, tell_proceed):
        os.close(end)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    problem = "" if verdict == 0 else (trial.root / "problem").read_text()
    if not killed and status != 0:
        problem = problem or f"the run ended with status {status}"
    return problem, killed


def _verify(
    job: Job,
    trial: Workspace,
    known: tuple[str, str],
    files: dict[str, str],
    ready: int,
    proceed: int,
) -> None:
    """Read all the while; run again after the kill; compare with an undisturbed run."""
    try:
        reader = open_compendium(trial.root)
        os.write(ready, b"1")
        os.read(proceed, 1)
        assert compendium_hash(trial.root) in known, "a new reader saw a third generation"
        done = set(receipts(trial.root))
        executed = len(executions(trial.root))
        log_executions(trial.root)
        job(trial)
        again = done & set(executions(trial.root)[executed:])
        assert not again, f"{again} were analysed again after their receipt"
        assert content_hash(reader) == known[0], "an open reader saw its generation change"
        # With the bytes of all files those of a run that the doctor found nothing in, all values are equal.
        found = _files(trial.root)
        differ = [name for name in found.keys() | files if found.get(name) != files.get(name)]
        assert not differ, f"{differ} are not as the undisturbed run left them"
    except BaseException as error:
        (trial.root / "problem").write_text("".join(traceback.format_exception(error)))
        os.write(ready, b"1")
        raise


def _files(root: Path) -> dict[str, str]:
    """The hash of every file of a workspace, but the one that is new in each run."""
    left = {path for path in root.rglob("*") if path.is_file()}
    logs = {root / name for name in (CURRENT_KEY, "receipts", "executions")}
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in left - logs
    }


def _run_and_die(job: Job, trial: Workspace, step: int) -> None:
    log_executions(trial.root)
    die_at_step(step)
    job(trial)


def _warm_up_enrichment(base: Workspace, part: Part) -> None:
    """Load the kernels of the enrichment."""
    assert base.config.enrich is not None
    _, axis = prepare_terms(base.disk, base.read_genes(), base.config.enrich)
    t = part.statistics["t"].astype(float)
    none = np.zeros((1, 3, t.shape[1]), np.bool_)
    none[:, :, :9] = True
    test_all_terms(axis, t, none, np.zeros(1, np.bool_), base.config.enrich.tests)
    base.disk.delete("terms")


def _copy(base: Workspace, root: Path) -> Workspace:
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(base.root, root)
    return Workspace(root, base.config)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])

"""Trouble a fetch into a bucket at each of its requests that change it, fetch again, and compare.

`python -m tests.support.fetch_s3_driver ROOT MIRROR` prints a line of JSON. TROUBLE is `kill` (of the
process, before the request), `error` (500 in its place) or `lost` (the request is done, its answer does not
come). Every fetch, and every look at the bucket, happens in a fork of one thread-free process.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import storage.disk
from pipeline.sources.receipt import INDEX_KEY, decode_receipt
from pipeline.sources.remote_files import RemoteFolder
from pipeline.workspace import Workspace
from tests.support.faulty_proxy import Fault, FaultyProxy, running_proxy
from tests.support.fetched import fetch_into, source_of, workspace_of
from tests.support.in_forks import answer, fork_status, import_what_it_imports, in_fork
from tests.support.object_storage import (
    BUCKET,
    CREDENTIALS,
    REGION,
    S3Server,
    remember,
    restore,
    running_moto,
    store_at,
)

PREFIX = "raw"
STUDIES = ("SRP990000000", "SRP990000003")


@dataclass(frozen=True, slots=True)
class Trials:
    """What trials share: the mirror, the servers, what the bucket was and what it is to become."""

    root: Path
    mirror: Path
    moto: S3Server
    proxy: FaultyProxy
    remembered: Path
    after: dict[str, str]

    def workspace(self, name: str, *, studies: tuple[str, ...] = STUDIES) -> Workspace:
        """A workspace that fetches these studies through the proxy."""
        settings = source_of(
            self.mirror,
            accessions=studies,
            raw=self.moto.address(PREFIX),
            endpoint=self.proxy.endpoint,
            region=REGION,
        )
        return workspace_of(self.root / name, self.mirror, settings)

    def found(self) -> dict[str, str]:
        """SHA-256 of every object of the bucket, by key below the prefix."""
        return {key: hashlib.sha256(data).hexdigest() for key, data in self.objects().items()}

    def objects(self) -> dict[str, bytes]:
        """Every object of the bucket, by key below the prefix."""
        store = store_at(self.moto.endpoint)
        paths = [found["path"] for found in store.list().collect()]
        return {path.removeprefix(f"{PREFIX}/"): bytes(store.get(path).bytes()) for path in paths}


def main(root: Path, mirror: Path) -> None:
    """Fetch one study, then trouble the fetch of a second one at all that it changes."""
    os.environ.update(CREDENTIALS)
    with ExitStack() as stack:
        moto = stack.enter_context(running_moto(root / "moto.log"))
        proxy = stack.enter_context(running_proxy(moto.endpoint))
        trials = Trials(root, mirror, moto, proxy, root / "remembered", {})
        first = trials.workspace("before", studies=STUDIES[:1])
        import_what_it_imports(lambda: fetch_into(first))
        in_fork(lambda: remember(moto.endpoint, trials.remembered))
        proxy.set()
        in_fork(lambda: fetch_into(trials.workspace("undisturbed")))
        commits = proxy.writes()
        trials.after.update(json.loads(answer(lambda: json.dumps(trials.found()))))
        told: dict[str, Any] = {"commits": commits}
        for trouble in ("kill", "error", "lost"):
            told[trouble] = [_try(trials, trouble, number) for number in _numbered(commits)]
    sys.stdout.write(json.dumps(told) + "\n")


def _numbered(commits: list[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """Each commit, and which of those of its name it is."""
    return [(*commit, commits[: at + 1].count(commit)) for at, commit in enumerate(commits)]


def _try(trials: Trials, trouble: str, commit: tuple[str, str, int]) -> dict[str, Any]:
    """Trouble one request; how that fetch ended, and what is wrong then or after the next one."""
    method, path, number = commit
    in_fork(lambda: restore(trials.moto.endpoint, trials.remembered))
    shutil.rmtree(trials.root / "trial", ignore_errors=True)
    trials.proxy.set()
    if trouble == "kill":
        status = fork_status(partial(_fetch, trials, (path, number)))
    else:
        kind: Any = trouble
        trials.proxy.set(Fault(kind, number, of=f"{method} {path}"))
        status = fork_status(partial(_fetch, trials, None))
    faulted = trials.proxy.faulted()
    trials.proxy.set()
    wrong = fork_status(partial(_verify, trials))
    return {
        "commit": commit,
        "killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
        "code": os.waitstatus_to_exitcode(status),
        "faulted": faulted,
        "problem": (trials.root / "problem").read_text() if wrong else "",
    }


def _fetch(trials: Trials, dies_before: tuple[str, int] | None) -> None:
    """Fetch, and die before this path of the server is put for the time of that number."""
    send, seen = RemoteFolder.send, Counter[str]()

    def die_at(key: str) -> None:
        path = f"/{BUCKET}/{PREFIX}/{key}"
        seen[path] += 1
        if dies_before == (path, seen[path]):
            os.kill(os.getpid(), signal.SIGKILL)

    def watched_send(self: RemoteFolder, source: Path, path: str) -> None:
        die_at(path)
        send(self, source, path)

    def watched_step(kind: str, path: Path) -> None:
        # Of a bucket alone; its paths are keys.
        if kind == "put":
            die_at(path.as_posix())

    storage.disk.step_hook = watched_step
    RemoteFolder.send = watched_send  # type: ignore[method-assign]
    assert fetch_into(trials.workspace("trial")).refused == {}


def _verify(trials: Trials) -> None:
    """Look at what the trouble left, fetch again, and compare with an undisturbed fetch."""
    try:
        objects = trials.objects()
        receipts = [decode_receipt(objects[key]) for key in objects if key.startswith("studies/")]
        for receipt in receipts:
            assert receipt is not None, "a receipt is torn"
            for file in receipt.files:
                digest = hashlib.sha256(objects.get(file.key, b"")).hexdigest()
                assert digest == file.sha256, f"{receipt.study} has a receipt without {file.key}"
        assert INDEX_KEY in objects, "the list of studies is gone"
        again = trials.workspace("trial")
        fetched = fetch_into(again)
        assert fetched.refused == {}
        assert fetched.known == len(receipts), "a study was fetched again after its receipt"
        found = trials.found()
        differs = sorted(
            key for key in found | trials.after if found.get(key) != trials.after.get(key)
        )
        assert not differs, f"{differs} are not those of the undisturbed fetch"
        left = [*again.raw.root.rglob("*.zip"), *(again.raw.root / "geo").rglob("*.gz")]
        assert not left, f"{left} were left on the disk"
    except BaseException as error:
        (trials.root / "problem").write_text("".join(traceback.format_exception(error)))
        raise


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

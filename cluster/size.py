"""The number of workers: asked for, watched, and asked for again when some are gone."""

import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from distributed.core import Status
from distributed.deploy import Cluster
from distributed.deploy.spec import SpecCluster

from cluster.profile import ClusterError, ClusterProfile
from cluster.reason import reason

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
# A nanny needs some seconds to replace its worker; Dask waits for 15, and then closes whatever has its name.
LOST_AFTER_S = 25.0
MAX_WAIT_S = 300.0
# A worker for each task in flight, however short tasks are: there are always more where these come from.
_TARGET_DURATION = "10ms"
_WARN_AFTER = 3

# Names of those of the workers, by name and job id, whose jobs are gone.
Vanished = Callable[[Mapping[str, str]], list[str]]


def ask(cluster: Cluster, profile: ClusterProfile) -> None:
    """Ask for the size that the profile wants, of a cluster that is started without.

    Raises
    ------
    ClusterError
        The batch system refuses the jobs.
    """
    own = isinstance(cluster, SpecCluster) and cluster.new_spec
    if profile.adaptive:
        if own and profile.kind != "local":
            # Without one that was taken nobody would ever say that none is.
            _submit(cluster, profile, profile.minimum or 1)
        sizes = {"minimum": profile.minimum or 0, "maximum": profile.maximum}
        if isinstance(cluster, SpecCluster):
            cluster.adapt(**sizes, target_duration=_TARGET_DURATION)
        else:
            cluster.adapt(**sizes)
    elif profile.workers is None or profile.kind in ("local", "threads", "ssh"):
        return
    elif own:
        _submit(cluster, profile, profile.workers)
    else:
        cluster.scale(profile.workers)


def _submit(cluster: SpecCluster, profile: ClusterProfile, workers: int) -> None:
    """Ask for workers at once: the cluster's own `scale` would in the background, and tell of no failure."""
    jobs = math.ceil(workers / len(cluster.new_spec.get("group", [""])))
    while len(cluster.worker_spec) < jobs:
        cluster.worker_spec.update(cluster.new_worker_spec())
    try:
        settle(cluster)
    except Exception as error:
        # A submission can fail in any way that a command can.
        raise ClusterError(
            f'the workers of kind = "{profile.kind}" can\'t be asked for: {reason(error)}; see options '
            "of the profile, and `dexome cluster script`"
        ) from error


def settle(cluster: SpecCluster) -> None:
    """Start, or submit, the workers that a cluster lacks, and raise what prevents it."""

    async def settled() -> None:
        try:
            await cluster
        finally:
            # What could not be started must be told from what is about to be, here and when Dask closes it.
            for worker in cluster.workers.values():
                if worker.status == Status.created:
                    worker.status = Status.failed

    cluster.sync(settled)


@contextmanager
def kept_size(cluster: SpecCluster, vanished: Vanished) -> Iterator[None]:
    """Watch a cluster meanwhile; workers that are gone for good are asked for again.

    Dask itself notices a lost worker, and does not replace it where the size is fixed; a job that is gone
    before its worker came up it does not notice at all.
    """
    ended = threading.Event()
    keeper = Keeper(cluster, vanished)

    def keep() -> None:
        while not ended.wait(LOOK_EVERY_S):
            try:
                keeper.look(time.monotonic())
            except Exception as error:
                # The next look tries again; a cluster that is closing can fail in any way.
                log.warning("the workers could not be asked for again: %s", reason(error))

    thread = threading.Thread(target=keep, name="cluster-size", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Absences:
    """Since when workers that were once there are not."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, float] = {}

    def lost(
        self, workers: Mapping[Any, Collection[str]], present: Collection[str], now: float
    ) -> list[Any]:
        """Which of the workers are gone for good.

        Parameters
        ----------
        workers
            The names that a worker, or the processes of a job, go by. One that is asked for again under
            the name of another is another.
        present
            The names that the scheduler knows.
        """
        self._seen = {worker: since for worker, since in self._seen.items() if worker in workers}
        for worker, names in workers.items():
            if set(names) & set(present):
                self._seen[worker] = now
        return [w for w, since in self._seen.items() if now - since >= LOST_AFTER_S]

    def never_seen(self, worker: Hashable) -> bool:
        """Whether a worker has not come up yet."""
        return worker not in self._seen


class Keeper:
    """Looks after the workers of one cluster, ever less often while those that it asks for do not come."""

    def __init__(self, cluster: SpecCluster, vanished: Vanished) -> None:
        self._cluster = cluster
        self._vanished = vanished
        self._absences = Absences()
        self._known: set[str] = set()
        self._in_vain = 0
        self._ask_at = 0.0
        self._taken = True

    def look(self, now: float) -> None:
        """Forget workers that are gone, and ask for what the cluster lacks."""
        cluster = self._cluster
        # The loop of the cluster changes these meanwhile: a copy is made at once.
        present = {str(w["name"]) for w in list(cluster.scheduler_info["workers"].values())}
        if present - self._known:
            self._in_vain, self._ask_at = 0, now
        self._known = present
        workers = dict(cluster.workers)
        names = {worker: self._names(name) for name, worker in workers.items()}
        lost = set(self._absences.lost(names, present, now))
        waiting = {
            name: str(worker.job_id)
            for name, worker in workers.items()
            if self._absences.never_seen(worker) and getattr(worker, "job_id", None)
        }
        vanished = set(self._vanished(waiting))
        gone = [
            name
            for name, worker in workers.items()
            if worker in lost or name in vanished or _has_failed(worker)
        ]
        if gone:
            cluster.sync(self._forget, gone)
        lacking = len(cluster.worker_spec.keys() - cluster.workers.keys())
        if not lacking or now < self._ask_at:
            return
        self._in_vain += 1
        self._ask_at = now + min(LOOK_EVERY_S * 2**self._in_vain, MAX_WAIT_S)
        warn = self._in_vain >= _WARN_AFTER
        log.log(
            logging.WARNING if warn else logging.INFO,
            "%d of %d workers are not there; asking for them again (attempt %d)%s",
            lacking,
            len(cluster.worker_spec),
            self._in_vain,
            # One that was refused has no log.
            "; see the logs of their jobs" if warn and self._taken else "",
        )
        self._taken = False
        settle(cluster)
        self._taken = True

    def _names(self, worker: Any) -> set[str]:
        group = self._cluster.worker_spec.get(worker, {}).get("group")
        return {f"{worker}{suffix}" for suffix in group} if group else {str(worker)}

    async def _forget(self, names: list[Any]) -> None:
        """Close workers; one that can't be closed stays known, so that its job is ended later."""
        for name in names:
            worker = self._cluster.workers.get(name)
            if worker is None:
                continue
            try:
                await worker.close()
            except Exception as error:
                # A job can be cancelled as little as submitted in any way that a command can fail.
                log.warning("the job of worker %s could not be ended: %s", name, reason(error))
            else:
                self._cluster.workers.pop(name, None)


def _has_failed(worker: Any) -> bool:
    return worker.status in (Status.created, Status.failed, Status.closed)

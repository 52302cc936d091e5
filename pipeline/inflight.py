"""Tasks on Dask, a bounded number in flight, results in the order in which they end."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from dask.utils import funcname
from distributed import Client, Future, KilledWorker, as_completed
from distributed.client import ClosedClientError

from pipeline.ahead import in_turn, working_ahead
from pipeline.one_thread import one_blas_thread
from pipeline.progress import Progress, Report
from storage.errors import DexomeError, StoreError

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

# Tasks waiting beyond the running ones: enough that no thread starves, few enough for any scheduler.
TASKS_PER_THREAD = 4
_COUNT_EVERY_S = 2.0
# What ends within so long is taken together: each conversation with the scheduler costs milliseconds.
_TOGETHER_S = 0.01
# A worker needs some seconds to come up; a scheduler that nobody gives workers is waited for in vain.
_NO_WORKER_AFTER_S = 30.0


def run_bounded(
    client: Client | None,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    resources: Mapping[str, float] | None = None,
    ahead: Callable[[Item], None] | None = None,
) -> Iterator[tuple[Item, Result | BaseException]]:
    """Call `function` on each item on the cluster; yield each item with its result or its error.

    What is there is taken off the cluster before the next result is waited for, all at once. An item
    whose workers died may have been beside the one that killed them: it is tried once more, alone.

    Parameters
    ----------
    client
        None: the items are done here, one after the other.
    resources
        What a worker must have free for one item, such as `{"GPU": 1}`.
    ahead
        Is called in the background, on the worker, with the item that comes next; it may fail.

    Raises
    ------
    DexomeError
        The scheduler is gone: that tells nothing of any item.
    """
    if client is None:
        yield from _run_here(function, in_turn(items, ahead))
        return
    suspects = []
    with working_ahead(client, funcname(function), ahead):
        for item, result in _run_on(client, function, items, resources):
            if isinstance(result, KilledWorker):
                suspects.append(item)
            else:
                yield item, result
    for item in suspects:
        yield from _run_on(client, function, [item], resources)


def results(
    client: Client | None,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    resources: Mapping[str, float] | None = None,
    ahead: Callable[[Item], None] | None = None,
) -> Iterator[tuple[Item, Result | BaseException]]:
    """The same, where an error that concerns more than its item is raised, and ends the stage."""
    for item, result in run_bounded(client, function, items, resources=resources, ahead=ahead):
        if isinstance(result, DexomeError):
            raise result
        yield item, result


def gather_in_order(
    client: Client,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    stage: str,
    report: Report,
) -> list[Result]:
    """Results of a function of each item, in the order of the items, told of as `stage`; an error ends it."""
    place = {id(item): i for i, item in enumerate(items)}
    found: dict[int, Result] = {}
    report(Progress(stage=stage, done=0, total=len(items)))
    for done, (item, result) in enumerate(results(client, function, items), start=1):
        if isinstance(result, BaseException):
            raise StoreError(f"a task of {stage} failed: {result!r}") from result
        found[place[id(item)]] = result
        report(Progress(stage=stage, done=done, total=len(items)))
    return [found[i] for i in range(len(items))]


def _run_on(
    client: Client,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    resources: Mapping[str, float] | None,
) -> Iterator[tuple[Item, Result | BaseException]]:
    waiting = iter(items)
    submitted: dict[str, Item] = {}
    completed = as_completed()
    address = str(client.scheduler.address)
    window = _Window(client, address)
    task, name = partial(_on_one_thread, function), funcname(function)

    def fill() -> None:
        while len(submitted) < window.size():
            try:
                item = next(waiting)
            except StopIteration:
                return
            key = f"{name}-{uuid.uuid4().hex}"
            with _loss_told(address):
                future = client.submit(task, item, key=key, pure=False, resources=resources)
            submitted[key] = item
            completed.add(future)

    fill()
    with _told_without_workers(client, address) as stop_looking:
        for first in completed.batches():
            stop_looking()
            time.sleep(_TOGETHER_S)
            batch = [*first, *completed.next_batch(block=False)]
            found = _gather(client, batch, address)
            ended = [(submitted.pop(future.key), result) for future, result in found]
            fill()
            yield from ended
            for future in batch:
                future.release()


@contextmanager
def _told_without_workers(client: Client, address: str) -> Iterator[Callable[[], None]]:
    """Warn, once, where there is no worker after a while; what is yielded calls that off."""

    def look() -> None:
        try:
            lonely = not client.nthreads()
        except (OSError, ClosedClientError):
            # Whoever waits for results is told of that.
            return
        if lonely:
            log.warning(
                "the scheduler at %s has no worker yet: start some, or see why its jobs do not begin; "
                "the run waits for them",
                address,
            )

    timer = threading.Timer(_NO_WORKER_AFTER_S, look)
    timer.daemon = True
    timer.start()
    try:
        yield timer.cancel
    finally:
        timer.cancel()


def _gather(
    client: Client, batch: Sequence[Future], address: str
) -> list[tuple[Future, Result | BaseException]]:
    """Each future with its result or error.

    Not left to `as_completed(with_results=True)`: what is raised on its way there, because the scheduler
    is gone, is told to nobody, and the future never returned.
    """
    _refuse_cancelled(batch, address)
    with _loss_told(address):
        found = client.gather({future.key: future for future in batch}, errors="skip")
    _refuse_cancelled(batch, address)
    return [
        (future, future.exception() if future.status == "error" else found[future.key])
        for future in batch
    ]


def _refuse_cancelled(batch: Sequence[Future], address: str) -> None:
    # We cancel nothing: Dask does, with all that it knew, when it loses its scheduler.
    if any(future.cancelled() for future in batch):
        raise _lost(address)


@contextmanager
def _loss_told(address: str) -> Iterator[None]:
    """Turn what Dask raises where its scheduler does not answer into an error with the cure."""
    try:
        yield
    except (OSError, ClosedClientError) as error:
        raise _lost(address) from error


def _lost(address: str) -> DexomeError:
    return DexomeError(
        f"the scheduler at {address} is gone; start it, or choose another --cluster, and run the same "
        "command again: what is done is kept"
    )


def _run_here(
    function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[tuple[Item, Result | BaseException]]:
    for item in items:
        result: Result | BaseException
        try:
            result = _on_one_thread(function, item)
        except Exception as error:
            # As a task on a cluster, whose errors are told of and not raised.
            result = error
        yield item, result


def _on_one_thread(function: Callable[[Item], Result], item: Item) -> Result:
    """What a task is, in every kind of cluster and without one."""
    with one_blas_thread():
        return function(item)


class _Window:
    """How many tasks may be in flight: it grows and shrinks with the cluster."""

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self._address = address
        self._counted_at = -_COUNT_EVERY_S
        self._size = 0

    def size(self) -> int:
        now = time.monotonic()
        if now - self._counted_at >= _COUNT_EVERY_S:
            with _loss_told(self._address):
                threads = sum(self._client.nthreads().values())
            # Workers that are asked for and not up yet shall find work when they are.
            asked = len(getattr(self._client.cluster, "plan", ()))
            self._size = TASKS_PER_THREAD * max(threads, asked, 1)
            self._counted_at = now
        return self._size

"""Work ahead: what a waiting task will need is brought to its worker while the task before it runs."""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from distributed import Client, Worker, WorkerPlugin

log = logging.getLogger(__name__)

Item = TypeVar("Item")

# Of a worker of many threads: the others' turns come soon enough.
_MOST_THREADS = 4


class Ahead(WorkerPlugin, Generic[Item]):  # type: ignore[misc]  # its base is untyped
    """Calls a function, in the background, with the item of each task that waits for its turn on a worker.

    The scheduler gives a worker a task more than it has threads for: that one is next. What the function
    raises is logged and forgotten: the task itself meets the same, and tells it.

    Parameters
    ----------
    prefix
        What the keys of the tasks begin with; an item is its task's first argument.
    """

    def __init__(self, prefix: str, function: Callable[[Item], None]) -> None:
        self.name = f"ahead-{prefix}"
        self._prefix = prefix
        self._function = function

    def setup(self, worker: Worker) -> None:
        """Start the background threads; they end with the plugin."""
        self._worker = worker
        threads = min(worker.state.nthreads, _MOST_THREADS)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ahead")

    def teardown(self, worker: Worker) -> None:
        """Begin nothing more."""
        del worker
        self._pool.shutdown(wait=False, cancel_futures=True)

    def transition(self, key: Any, start: str, finish: str, **kwargs: Any) -> None:
        """A task that becomes ready may be next."""
        del start, kwargs
        if finish == "ready" and str(key).startswith(self._prefix):
            self._pool.submit(self._do, key)

    def _do(self, key: Any) -> None:
        task = self._worker.state.tasks.get(key)
        # One that runs, or went to another worker, needs nothing of us any more.
        if task is not None and task.state == "ready":
            _do_quietly(self._function, task.run_spec.args[0])


@contextmanager
def working_ahead(
    client: Client, prefix: str, ahead: Callable[[Item], None] | None
) -> Iterator[None]:
    """Have `ahead` called on the workers meanwhile, those that are still to come too."""
    if ahead is None:
        yield
        return
    plugin = Ahead(prefix, ahead)
    with _left_out():
        client.register_plugin(plugin)
    try:
        yield
    finally:
        with _left_out():
            client.unregister_worker_plugin(plugin.name)


def in_turn(items: Iterable[Item], ahead: Callable[[Item], None] | None) -> Iterator[Item]:
    """The items, one after the other; `ahead` is called with the next one while one is in use."""
    if ahead is None:
        yield from items
        return
    pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    waiting = iter(items)
    try:
        item = next(waiting, None)
        while item is not None:
            following = next(waiting, None)
            if following is not None:
                pool.submit(_do_quietly, ahead, following)
            yield item
            item = following
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _do_quietly(function: Callable[[Item], None], item: Item) -> None:
    with _left_out():
        function(item)


@contextmanager
def _left_out() -> Iterator[None]:
    """Go on without what fails: whoever needs what it was to bring meets the same error, and tells it."""
    try:
        yield
    except Exception:
        log.debug("nothing comes ahead of its task", exc_info=True)

"""Tasks on Dask, a bounded number in flight, results in the order in which they end."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from distributed import Client, as_completed

from pipeline.progress import Progress, Report
from storage.errors import DexomeError, StoreError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Tasks waiting beyond the running ones: enough that no thread starves, few enough for any scheduler.
TASKS_PER_THREAD = 3


def run_bounded(
    client: Client, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[tuple[Item, Result | BaseException]]:
    """Call `function` on each item on the cluster; yield each item with its result or its error.

    A result is taken off the cluster as soon as it is there, so nothing is lost with a worker.
    """
    waiting = iter(items)
    submitted: dict[str, Item] = {}
    completed = as_completed(with_results=True, raise_errors=False)

    def submit_next() -> None:
        for item in waiting:
            future = client.submit(function, item, pure=False)
            submitted[future.key] = item
            completed.add(future)
            return

    n_threads = sum(client.nthreads().values())
    for _ in range(TASKS_PER_THREAD * max(n_threads, 1)):
        submit_next()
    for future, result in completed:
        submit_next()
        # A failed task's result is its exception's triple.
        value = result[1] if future.status == "error" else result
        yield submitted.pop(future.key), value
        future.release()


def results(
    client: Client, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[tuple[Item, Result | BaseException]]:
    """The same, where an error that concerns more than its item is raised, and ends the stage."""
    for item, result in run_bounded(client, function, items):
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

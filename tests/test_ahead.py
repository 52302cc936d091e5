"""What comes next is brought while a task runs, and a failure of that changes nothing."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from distributed import Client

from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.inflight import run_bounded
from tests.support.workspaces import IN_PROCESS

LAST = 5
_brought = [threading.Event() for _ in range(LAST + 1)]
events: list[tuple[str, int]] = []


@pytest.fixture(autouse=True)
def nothing_happened_yet() -> None:
    events.clear()
    for event in _brought:
        event.clear()


def bring(item: int) -> None:
    events.append(("brought", item))
    _brought[item].set()


def work(item: int) -> int:
    """Go on only when the next item has been brought."""
    events.append(("begun", item))
    assert item == LAST or _brought[item + 1].wait(20), f"nothing was brought while {item} ran"
    events.append(("done", item))
    return item


def fail_to_bring(item: int) -> None:
    events.append(("brought", item))
    raise ConnectionError(str(item))


def plain_work(item: int) -> int:
    return item


@pytest.fixture(params=[False, True], ids=["dask", "no client"])
def client(request: pytest.FixtureRequest) -> Iterator[Client | None]:
    if request.param:
        yield None
    else:
        with connect(IN_PROCESS) as made:
            yield made


def run(
    client: Client | None, function: Callable[[int], int], ahead: Callable[[int], None]
) -> list[int]:
    found = [result for _, result in run_bounded(client, function, range(LAST + 1), ahead=ahead)]
    assert all(isinstance(result, int) for result in found), found
    return found  # type: ignore[return-value]


def test_the_next_item_is_brought_while_one_is_worked_on(client: Client | None) -> None:
    assert run(client, work, bring) == list(range(LAST + 1))
    for item in range(LAST):
        assert events.index(("brought", item + 1)) < events.index(("done", item))
        # Only what is next, not all that is to come.
        assert ("brought", item + 2) not in events[: events.index(("begun", item))]


def test_a_failure_to_bring_changes_nothing(client: Client | None) -> None:
    assert sorted(run(client, plain_work, fail_to_bring)) == list(range(LAST + 1))


def test_nothing_is_brought_for_the_tasks_of_another_stage() -> None:
    with connect(IN_PROCESS) as client:
        run(client, plain_work, fail_to_bring)
        events.clear()
        assert len(list(run_bounded(client, plain_work, range(20)))) == 20
    assert not events


def touch(item: tuple[int, Path]) -> None:
    (item[1] / f"brought-{item[0]}").touch()


def wait_for_next(item: tuple[int, Path]) -> bool:
    """Whether the file of a later item came while this one waited."""
    number, folder = item
    later = [folder / f"brought-{n}" for n in range(number + 1, LAST + 1)]
    pause = threading.Event()
    for _ in range(1000):
        if not later or any(path.exists() for path in later):
            return True
        pause.wait(0.02)
    return False


@pytest.mark.slow
def test_worker_processes_bring_too(tmp_path: Path) -> None:
    items = [(number, tmp_path) for number in range(LAST + 1)]
    with connect(ClusterProfile(kind="local", workers=1, memory_gib=1.0)) as client:
        found = [result for _, result in run_bounded(client, wait_for_next, items, ahead=touch)]
    assert found == [True] * (LAST + 1)

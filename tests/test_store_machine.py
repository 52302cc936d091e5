"""The store does what a plain model of it says, whatever happens to it, in whatever order."""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from storage.files import Files
from tests.support.store_machine import StoreMachine

# Each example is a compendium's whole life; the same ones every time.
LIVES = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class BucketMachine(StoreMachine):
    """The same in a bucket, where a store is not there any more when its root is gone."""

    def make_disk(self) -> Files:
        pytest.importorskip("obstore", reason="needs the package obstore")
        from tests.support.memory_bucket import MemoryBucket

        return MemoryBucket(f"s3://memory{self.root}")

    def may_harm(self, key: str) -> bool:
        return not key.endswith(".zarr/zarr.json")


@pytest.mark.parametrize(("machine", "lives"), [(StoreMachine, 4), (BucketMachine, 2)])
def test_a_store_does_what_its_model_says(
    tmp_path: Path, machine: type[StoreMachine], lives: int
) -> None:
    few = settings(LIVES, max_examples=lives, stateful_step_count=25)
    run_state_machine_as_test(partial(machine, tmp_path), settings=few)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("machine", [StoreMachine, BucketMachine])
def test_a_store_does_so_for_many_lives(tmp_path: Path, machine: type[StoreMachine]) -> None:
    many = settings(LIVES, max_examples=20, stateful_step_count=40)
    run_state_machine_as_test(partial(machine, tmp_path), settings=many)  # type: ignore[arg-type]

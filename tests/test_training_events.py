"""Event files for TensorBoard: a copy of the metrics, every step once."""

import sys
from pathlib import Path

import pytest

from model.training.events import EventFiles
from model.training.metrics import JsonLines
from storage.errors import InputError
from tests.support.events import steps_of


def lines(first: int, last: int) -> list[dict[str, float]]:
    return [{"step": step, "loss": 1 / step} for step in range(first, last + 1)]


def test_events_are_the_lines_and_a_killed_and_resumed_training_leaves_no_step_twice(
    tmp_path: Path,
) -> None:
    metrics, folder = JsonLines(tmp_path / "metrics.jsonl"), tmp_path / "tensorboard"
    events = EventFiles(metrics, folder)
    events.go_back_to(0, 0)
    events.write(lines(1, 4))
    epoch = {"step": 4, "epoch": 0, "validation_loss": 0.5, "learning_rate": 0.001}
    events.write([epoch])
    events.write(lines(5, 7))
    events.close()
    assert sorted(steps_of(folder, "step/loss")) == [1, 2, 3, 4, 5, 6, 7]
    assert steps_of(folder, "epoch/validation_loss") == {4: 0.5}
    # The checkpoint is of step 4.
    resumed = EventFiles(metrics, folder)
    resumed.go_back_to(4, 9)
    resumed.write(lines(5, 6))
    resumed.close()
    assert sorted(steps_of(folder, "step/loss")) == [1, 2, 3, 4, 5, 6]
    assert steps_of(folder, "epoch/learning_rate") == {4: pytest.approx(0.001)}
    assert metrics.read() == [*lines(1, 4), epoch, *lines(5, 6)]


def test_without_the_package_the_cure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(InputError, match=r"pip install 'tensorboardX>=2.6'"):
        EventFiles(JsonLines(tmp_path / "metrics.jsonl"), tmp_path / "tensorboard")

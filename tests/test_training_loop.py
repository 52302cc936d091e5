"""Training: a killed one goes on to the last bit, and what must stop it stops it."""

import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from model.networks.autoencoder import Autoencoder
from model.networks.settings import LINEAR_NETWORK
from model.training.checkpoints import Checkpoints, Identity, read_columns, restore_into
from model.training.gene_columns import make_gene_columns
from model.training.interrupt import stop_on_signals
from model.training.loop import Data, DivergedError, check_batch, train
from model.training.metrics import JsonLines, NoMetrics
from model.training.plateau import Plateau, PlateauSettings
from model.training.progress import Progress, begin, decode_progress
from model.training.settings import PAPER_TRAINING, TrainSettings
from model.training.step import all_finite
from storage.errors import InputError, StoreError
from tests.support.rows_in_memory import MemoryLoader, shuffled

N_ROWS, N_GENES, BATCH = 44, 30, 8
NETWORK = replace(LINEAR_NETWORK, code=4, code_activation="relu", input_dropout=0.3)
SETTINGS = TrainSettings(epochs=3, batch_size=BATCH, learning_rate=0.01, log_every=2)
IDENTITY = Identity(gene_list_sha256="aa", generation="gen-1", config={"code": 4})


class Killed(BaseException):
    """The process ends here."""


def make_data(*, spoilt: bool = False) -> Data:
    rng = np.random.default_rng(0)
    logfc = rng.normal(size=(N_ROWS, 3)) @ rng.normal(size=(3, N_GENES))
    logfc[rng.random(logfc.shape) < 0.2] = np.nan
    if spoilt:
        logfc[5] = np.inf
    selected = np.arange(N_GENES) % 6 > 0
    return Data(
        loader=MemoryLoader(logfc),
        columns=make_gene_columns(np.zeros(N_GENES), np.ones(N_GENES), selected),
        order=lambda epoch: shuffled(N_ROWS - 12, BATCH, epoch),
        validation=np.r_[np.arange(N_ROWS - 12, N_ROWS), [-1] * 4].reshape(-1, BATCH),
        row_weight=np.ones(N_ROWS),
    )


def run(
    folder: Path,
    *,
    kill_at: int = 0,
    stop_at: int = 0,
    settings: TrainSettings = SETTINGS,
    identity: Identity = IDENTITY,
    data: Data | None = None,
) -> tuple[Progress, dict[str, np.ndarray]]:
    """Train in `folder`; when it asks for the `kill_at`th time it dies, for the `stop_at`th it is to end.

    It asks once for each of the 4 steps of an epoch, and once for each of its 2 batches of validation.
    """
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        if asked == kill_at:
            raise Killed
        return asked == stop_at

    net = Autoencoder(NETWORK, 25, seed=1)
    folder.mkdir(exist_ok=True)
    progress = train(
        net,
        data or make_data(),
        settings,
        checkpoints=Checkpoints(folder / "checkpoints"),
        identity=identity,
        metrics=JsonLines(folder / "metrics.jsonl"),
        stop=stop,
    )
    return progress, {"kernel": np.asarray(net.encoder.layers[0].own_kernel[...])}


def curve(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def test_a_killed_and_a_stopped_training_go_on_to_the_last_bit(tmp_path: Path) -> None:
    whole, want = run(tmp_path / "whole")
    assert whole.why_ended(SETTINGS) == "all 3 epochs are done"
    assert len(curve(tmp_path / "whole")) == 12 + 3
    with pytest.raises(Killed):
        run(tmp_path / "cut at 9", kill_at=9)
    # In an epoch, at its end, and before the first and the second batch of its validation.
    stops = {8: 6, 10: 8, 11: 8, 12: 8}
    for stop_at, step in stops.items():
        assert run(tmp_path / f"cut at {stop_at}", stop_at=stop_at)[0].step == step
    # Again before a step is taken: there is nothing more to save.
    assert run(tmp_path / "cut at 12", stop_at=1)[0].step == 8
    for cut in (9, *stops):
        folder = tmp_path / f"cut at {cut}"
        resumed, got = run(folder)
        assert replace(resumed, losses=[]) == replace(whole, losses=[])
        assert curve(folder) == curve(tmp_path / "whole")
        np.testing.assert_array_equal(got["kernel"], want["kernel"])


def test_the_loss_falls_and_the_newest_and_the_best_checkpoint_are_kept(tmp_path: Path) -> None:
    progress, _ = run(tmp_path, settings=replace(SETTINGS, epochs=6))
    losses = [line["validation_loss"] for line in curve(tmp_path) if "epoch" in line]
    assert losses[-1] < losses[0]
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    best = checkpoints.best()
    newest = checkpoints.newest()
    assert best is not None
    assert newest is not None
    assert best.progress.epoch == progress.best_epoch + 1
    assert newest.progress == progress
    kept = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert kept == {best.path.name, newest.path.name}
    net = Autoencoder(NETWORK, 25, seed=5)
    restore_into(best, net=net)
    columns = read_columns(best)
    np.testing.assert_array_equal(columns.index, make_data().columns.index)
    x = jnp.ones((1, 25))
    assert np.any(net(x) != Autoencoder(NETWORK, 25, seed=5)(x))


def test_a_loss_that_is_no_number_stops_and_names_the_step(tmp_path: Path) -> None:
    run(tmp_path, settings=replace(SETTINGS, epochs=1))
    kept = sorted((tmp_path / "checkpoints").iterdir())
    with pytest.raises(
        DivergedError, match=r"the loss of step \d+ is (inf|nan); .*000000004-epoch"
    ):
        run(tmp_path, data=make_data(spoilt=True))
    assert sorted((tmp_path / "checkpoints").iterdir()) == kept
    assert all(np.isfinite(line["loss"]) for line in curve(tmp_path) if "loss" in line)


def test_a_network_that_the_last_update_ruined_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"the loss after step 1 is (inf|nan); there is no"):
        run(tmp_path, settings=replace(SETTINGS, learning_rate=1e30), stop_at=1)
    assert Checkpoints(tmp_path / "checkpoints").newest() is None
    net = Autoencoder(NETWORK, 25, seed=1)
    assert all_finite(net)
    # A unit that is off whatever it sees: no loss tells of it.
    bias = net.encoder.layers[0].bias
    bias[...] = bias[...].at[0].set(-jnp.inf)
    assert not all_finite(net)


def test_the_cure_for_a_loss_that_is_no_number_names_the_folder_to_delete(tmp_path: Path) -> None:
    cure = rf"learning_rate in \[train.fit\].* another name .* or delete {tmp_path}"
    with pytest.raises(DivergedError, match=cure):
        run(tmp_path, data=make_data(spoilt=True))


def test_metrics_that_cannot_be_written_anew_are_named_with_the_cure(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "metrics.jsonl")
    lines.write([{"step": 1}, {"step": 2}])
    # In the way of what is to take the place of the file.
    (tmp_path / ".tmp-metrics.jsonl").mkdir()
    with pytest.raises(StoreError, match=rf"cannot write {lines.path}: .*free space"):
        lines.go_back_to(1, 0)
    assert lines.read() == [{"step": 1}, {"step": 2}]


def test_lines_of_an_epoch_that_is_taken_again_are_forgotten(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "metrics.jsonl")
    told = [{"step": 4, "epoch": 0}, {"step": 8}, {"step": 8, "epoch": 1}]
    lines.write(told)
    lines.go_back_to(8, 1)
    assert lines.read() == told[:2]


def test_what_a_killed_save_or_deletion_left_is_no_checkpoint_and_goes(tmp_path: Path) -> None:
    run(tmp_path, settings=replace(SETTINGS, epochs=1))
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    newest = checkpoints.newest()
    assert newest is not None
    for left in ("000000002.orbax-checkpoint-tmp", ".deleted-000000001-epoch"):
        (checkpoints.folder / left).mkdir()
    assert checkpoints.best() == newest
    run(tmp_path)
    names = [path.name for path in checkpoints.folder.iterdir()]
    assert all(name.partition("-")[0].isdigit() and "tmp" not in name for name in names)


def test_another_gene_list_generation_or_setting_is_refused_with_both_named(tmp_path: Path) -> None:
    run(tmp_path, settings=replace(SETTINGS, epochs=1))
    for change, message in (
        ({"gene_list_sha256": "bb"}, "gene list aa, the data are of bb"),
        ({"generation": "gen-2"}, "generation gen-1, the data are of gen-2"),
        ({"config": {"code": 5}}, "code = 4, not 5"),
    ):
        with pytest.raises(InputError, match=message):
            run(tmp_path, identity=replace(IDENTITY, **change))
    IDENTITY.check_genes("aa")


def test_a_full_disk_is_named_and_the_last_checkpoint_stays(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=4m", str(tiny_disk)], check=True)
    run(tiny_disk, settings=replace(SETTINGS, epochs=1))
    filler = tiny_disk / "filler"
    free = os.statvfs(tiny_disk).f_bavail * os.statvfs(tiny_disk).f_frsize
    # Metrics fit into what is left, a checkpoint does not.
    filler.write_bytes(bytes(free - 16 * 4096))
    newest = Checkpoints(tiny_disk / "checkpoints").newest()
    with pytest.raises(StoreError, match=r"cannot write the checkpoint .*free space"):
        run(tiny_disk)
    filler.unlink()
    assert Checkpoints(tiny_disk / "checkpoints").newest() == newest
    assert run(tiny_disk)[0].epoch == 3


def test_training_ends_where_the_validation_loss_no_longer_falls(tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=50, learning_rate=1e-12, stop_after=1)
    progress, _ = run(tmp_path, settings=settings)
    assert progress.epoch < 50
    assert progress.why_ended(settings) == "no better validation loss in 1 epochs"


def test_a_batch_that_rows_cannot_fill_or_devices_cannot_share_is_refused() -> None:
    check_batch(8, 8, 4)
    for given, what in (
        ((9, 8), r"batch_size 9 of \[train.fit\] is larger than the 8 .* set it to 8 at most"),
        (
            (8, 8, 3),
            r"not a multiple of the 3 devices .* set it to 6, or other rows in \[train.dev",
        ),
    ):
        with pytest.raises(InputError, match=what):
            check_batch(*given)


def test_no_selected_gene_is_refused() -> None:
    with pytest.raises(InputError, match="no gene is selected"):
        make_gene_columns(np.zeros(3), np.ones(3), np.zeros(3, np.bool_))


def test_the_first_signal_asks_and_the_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_rate_halves_after_five_epochs_without_improvement_as_keras_counts() -> None:
    state = Plateau(rate=1.0)
    rates = []
    # 0.99995 is no improvement of 1: it must be better by 1e-4.
    for loss in (1.0, 0.99995, 1, 1, 1, 1, 1, 1, 1, 0.5, 1, 1, 1, 1, 1):
        state = state.after(loss, PlateauSettings())
        rates.append(state.rate)
    assert rates == [1] * 5 + [0.5] * 9 + [0.25]
    settings = PlateauSettings(patience=2, cooldown=3, min_rate=0.3)
    state = Plateau(rate=1.0)
    rates = []
    for _ in range(14):
        state = state.after(1.0, settings)
        rates.append(state.rate)
    assert rates == [1, 1] + [0.5] * 4 + [0.3] * 8


def test_progress_survives_json_to_the_last_bit() -> None:
    progress = replace(begin(SETTINGS), losses=[0.1, 1 / 3, float(np.float32(0.7))])
    assert decode_progress(json.loads(json.dumps(progress.encode()))) == progress


def test_the_paper_is_trained_for_all_fifty_epochs() -> None:
    assert (PAPER_TRAINING.epochs, PAPER_TRAINING.batch_size) == (50, 128)
    assert PAPER_TRAINING.learning_rate == 1e-3
    assert PAPER_TRAINING.stop_after is None
    assert PAPER_TRAINING.plateau == PlateauSettings(factor=0.5, patience=5)
    NoMetrics().write([])

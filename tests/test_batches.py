"""Batches: which rows, the same bits from both loaders, memory that is bounded and never torn."""

import gc
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.batches.batch import Loader
from model.batches.loader import (
    LoaderSettings,
    loader_kind,
    make_loader,
    resident_bytes,
    streamed_bytes,
)
from model.batches.resident import ResidentLoader
from model.batches.row_reader import OPEN_FILES, RowReader
from model.batches.rows import PADDING, epoch_rows, n_steps, ordered_rows
from model.batches.streamed import StreamedLoader
from pipeline.prepare.settings import CopySettings, PrepareSettings
from storage.errors import InputError, StoreError
from storage.training_copy import TrainingCopy
from tests.support.prepared import FEW, prepare, random_workspace

BATCH = 16


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> TrainingCopy:
    """A copy of two chunks, with standard errors."""
    workspace = random_workspace(
        tmp_path_factory.mktemp("copy"), {f"S{i}": 9 for i in range(20)}, 333
    )
    _, split = prepare(workspace, PrepareSettings(genes=FEW, copy=CopySettings(se=True)))
    return TrainingCopy.open(workspace.root, split.copy)


def bits(array: object) -> npt.NDArray[np.uint16]:
    """A copy of a float16 array's bits."""
    return np.array(array, np.float16).view(np.uint16)


def raw(copy: TrainingCopy, name: str) -> npt.NDArray[np.uint16]:
    """All rows of an array, from the files as they are."""
    files = [np.fromfile(copy.chunk_file(name, i), np.uint16) for i in range(copy.n_chunks)]
    return np.concatenate(files).reshape(-1, copy.n_genes)[: copy.n_rows]


@given(st.integers(1, 80), st.integers(1, 20), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_an_epoch_has_each_row_once_and_is_a_function_of_seed_and_epoch(
    n: int, size: int, seed: int, epoch: int, pad: bool
) -> None:
    rows = np.arange(n) * 3
    if size > n and not pad:
        with pytest.raises(InputError, match=f"a batch of {size} is larger than the {n} contrasts"):
            epoch_rows(rows, size, seed, epoch)
        return
    found = epoch_rows(rows, size, seed, epoch, pad=pad)
    assert found.shape == (n_steps(n, size, pad=pad), size)
    np.testing.assert_array_equal(found, epoch_rows(rows, size, seed, epoch, pad=pad))
    seen = found[found != PADDING]
    assert len(np.unique(seen)) == len(seen)
    assert set(seen.tolist()) <= set(rows.tolist())
    assert len(seen) == (n if pad else n // size * size)
    assert (found == PADDING).sum() == (found.size - n if pad else 0)


def test_other_seeds_and_epochs_give_other_orders_and_a_pass_in_order_gives_none() -> None:
    rows = np.arange(200)
    orders = {epoch_rows(rows, 20, s, e).tobytes() for s in range(3) for e in range(3)}
    assert len(orders) == 9
    np.testing.assert_array_equal(ordered_rows(rows, 20).ravel(), rows)
    assert ordered_rows(rows[:5], 4).tolist() == [[0, 1, 2, 3], [4, -1, -1, -1]]
    with pytest.raises(InputError, match="no contrast"):
        epoch_rows([], 4, 0, 0)


@pytest.mark.parametrize("se", [False, True])
def test_both_loaders_give_the_bits_that_lie_in_the_copy(copy: TrainingCopy, se: bool) -> None:
    rows = epoch_rows(np.arange(copy.n_rows), BATCH, 5, 2, pad=True)
    assert (rows == PADDING).any()
    want = {
        name: np.vstack([raw(copy, name), np.full((1, copy.n_genes), 0x7E00, np.uint16)])
        for name in copy.arrays
    }
    with (
        StreamedLoader(copy, BATCH, se=se) as streamed,
        ResidentLoader(copy, BATCH, se=se) as resident,
    ):
        for loader in (streamed, resident):
            steps = 0
            for of_batch, batch in zip(rows, loader.batches(rows), strict=True):
                np.testing.assert_array_equal(batch.rows, of_batch)
                np.testing.assert_array_equal(bits(batch.logfc), want["logfc"][of_batch])
                assert (batch.se is not None) == se
                if batch.se is not None:
                    np.testing.assert_array_equal(bits(batch.se), want["se"][of_batch])
                steps += 1
            assert steps == len(rows)


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_any_rows_come_as_asked_for_with_any_number_of_threads(
    copy: TrainingCopy, data: st.DataObject
) -> None:
    steps = data.draw(st.integers(0, 4))
    size = data.draw(st.integers(1, 9))
    flat = data.draw(
        st.lists(st.integers(-1, copy.n_rows - 1), min_size=steps * size, max_size=steps * size)
    )
    rows = np.array(flat, np.int64).reshape(steps, size)
    want = np.vstack([raw(copy, "logfc"), np.full((1, copy.n_genes), 0x7E00, np.uint16)])
    threads, ahead = data.draw(st.integers(1, 5)), data.draw(st.integers(0, 3))
    with StreamedLoader(copy, size, threads=threads, ahead=ahead) as loader:
        found = [bits(batch.logfc) for batch in loader.batches(rows)]
    assert len(found) == steps
    for got, of_batch in zip(found, rows, strict=True):
        np.testing.assert_array_equal(got, want[of_batch])


def test_the_losses_of_a_compiled_step_are_the_same_to_the_last_bit(copy: TrainingCopy) -> None:
    rows = np.concatenate([epoch_rows(np.arange(copy.n_rows), BATCH, 1, e) for e in range(4)])

    @jax.jit
    def step(w: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        def loss(w: jax.Array) -> jax.Array:
            filled = jnp.nan_to_num(x.astype(jnp.float32))
            return jnp.mean((filled @ w @ w.T - filled) ** 2)

        value, gradient = jax.value_and_grad(loss)(w)
        return w - 0.01 * gradient, value

    def train(loader: Loader) -> list[float]:
        w = jax.random.normal(jax.random.key(0), (copy.n_genes, 8)) * 0.05
        losses = []
        for batch in loader.batches(rows):
            w, loss = step(w, batch.logfc)
            losses.append(loss)
        loader.close()
        return [float(loss) for loss in losses]

    assert train(StreamedLoader(copy, BATCH)) == train(ResidentLoader(copy, BATCH))


@pytest.mark.parametrize("ahead", [0, 2])
def test_a_buffer_is_not_used_again_while_the_device_computes_on_it(
    copy: TrainingCopy, ahead: int
) -> None:
    rows = np.concatenate([epoch_rows(np.arange(copy.n_rows), BATCH, 2, e) for e in range(5)])
    slow = jax.jit(
        lambda x: jax.lax.fori_loop(
            0, 60, lambda i, c: c + jnp.nansum(jnp.sin(x.astype(jnp.float32) * (1 + i))), 0.0
        )
    )
    want = np.array([slow(raw(copy, "logfc")[r].view(np.float16)) for r in rows])
    with StreamedLoader(copy, BATCH, ahead=ahead) as loader:
        # Nothing waits for a result: steps queue up, and buffers are waited for.
        found = [slow(batch.logfc) for batch in loader.batches(rows)]
        np.testing.assert_array_equal(np.array(found), want)
        assert loader.buffers_made <= ahead + 2


def test_batches_that_are_kept_stay_what_they_were_and_memory_shrinks_afterwards(
    copy: TrainingCopy,
) -> None:
    rows = epoch_rows(np.arange(copy.n_rows), BATCH, 0, 0)
    with StreamedLoader(copy, BATCH, ahead=1) as loader:
        kept = list(loader.batches(rows))
        for of_batch, batch in zip(rows, kept, strict=True):
            np.testing.assert_array_equal(bits(batch.logfc), raw(copy, "logfc")[of_batch])
        del kept, batch
        gc.collect()
        for _ in loader.batches(rows):
            pass
        assert loader.buffers_made <= 3


def test_an_epoch_that_is_left_early_gives_its_buffers_back(copy: TrainingCopy) -> None:
    rows = epoch_rows(np.arange(copy.n_rows), BATCH, 0, 0)
    with StreamedLoader(copy, BATCH) as loader:
        for _ in range(6):
            batches = loader.batches(rows)
            next(batches)
            batches.close()  # type: ignore[attr-defined]
        assert loader.buffers_made <= 4
        assert sum(1 for _ in loader.batches(rows)) == len(rows)


def test_the_loader_is_chosen_by_the_size_of_the_copy_and_the_stated_budget(
    copy: TrainingCopy,
) -> None:
    size = resident_bytes(copy, se=True) / 2**30
    enough, short = LoaderSettings(budget_gib=size), LoaderSettings(budget_gib=size * 0.99)
    assert loader_kind(copy, enough, se=True) == "resident"
    assert loader_kind(copy, short, se=True) == "streamed"
    assert loader_kind(copy, short, se=False) == "resident"
    assert loader_kind(copy, LoaderSettings(kind="streamed"), se=False) == "streamed"
    assert streamed_bytes(copy, 10, LoaderSettings(ahead=3), se=False) == 5 * 10 * copy.row_bytes
    for chosen, kind in ((enough, ResidentLoader), (short, StreamedLoader)):
        loader = make_loader(copy, BATCH, chosen, se=True)
        assert isinstance(loader, kind)
        loader.close()
    with pytest.raises(ValueError, match="budget_gib"):
        LoaderSettings(budget_gib=-1)
    with pytest.raises(ValueError, match="ahead"):
        LoaderSettings(ahead=-1)
    with pytest.raises(ValueError, match="threads"):
        LoaderSettings(threads=0)


def test_a_reader_keeps_few_files_open_and_refuses_rows_that_are_not_there(
    copy: TrainingCopy,
) -> None:
    assert OPEN_FILES < 512
    reader = RowReader(copy, "logfc")
    for row in (-2, copy.n_rows):
        with pytest.raises(ValueError, match="rows must be from"):
            reader.check(np.array([row]))
    reader.close()
    rows = np.full((1, BATCH), copy.n_rows)
    with (
        ResidentLoader(copy, BATCH) as loader,
        pytest.raises(ValueError, match="rows must be from"),
    ):
        next(loader.batches(rows))


def test_batches_spread_over_devices_by_rows_or_by_genes_have_the_same_bits(tmp_path: Path) -> None:
    workspace = random_workspace(tmp_path, {f"S{i}": 9 for i in range(16)}, 64)
    _, split = prepare(workspace)
    copy = TrainingCopy.open(workspace.root, split.copy)
    rows = epoch_rows(np.arange(copy.n_rows), BATCH, 3, 0, pad=True)
    ran = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "tests.support.spread_batches",
            str(workspace.root),
            split.copy,
        ],
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert ran.returncode == 0, ran.stderr
    padded = np.vstack([raw(copy, "logfc"), np.full((1, copy.n_genes), 0x7E00, np.uint16)])
    want = hashlib.sha256(padded[rows].tobytes()).hexdigest()
    assert ran.stdout.split() == [want] * 6


@pytest.mark.parametrize("make", [StreamedLoader, ResidentLoader])
def test_a_chunk_file_that_is_cut_or_gone_is_named(
    tmp_path: Path, make: Callable[[TrainingCopy, int], Loader]
) -> None:
    workspace = random_workspace(tmp_path, {f"S{i}": 9 for i in range(16)}, 64)
    _, split = prepare(workspace)
    copy = TrainingCopy.open(workspace.root, split.copy)
    file = copy.chunk_file("logfc", 1)
    data = file.read_bytes()

    def read() -> Iterator[None]:
        loader = make(copy, BATCH)
        try:
            for _ in loader.batches(ordered_rows(np.arange(copy.n_rows), BATCH)):
                yield None
        finally:
            loader.close()

    assert len(list(read())) == n_steps(copy.n_rows, BATCH, pad=True)
    file.write_bytes(data[:200])
    with pytest.raises(StoreError, match=f"{file} is too short; run"):
        list(read())
    file.unlink()
    with pytest.raises(StoreError, match=f"cannot read {file}"):
        list(read())

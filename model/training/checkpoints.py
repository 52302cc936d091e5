"""Checkpoints by Orbax: the newest and the best, each with what it may be used on."""

import re
import shutil
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
from flax import nnx

from model.training.gene_columns import GeneColumns
from model.training.memory import release_memory
from model.training.progress import Progress, decode_progress
from storage.errors import InputError, StoreError
from storage.hashing import hash_json

# Of a model's folder.
FOLDER = "checkpoints"
# Labels and metadata of a checkpoint, at most.
_SLACK = 1 << 20
# Orbax' signals are one set for a process: two threads that use it at once take each other's.
_ORBAX = threading.Lock()
_NAME = re.compile(r"\d{9}(-epoch)?")
_GONE = ".deleted-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What a network was trained on, and how: hashes, and the settings as plain values."""

    gene_list_sha256: str
    generation: str
    config: dict[str, Any]

    def check_genes(self, gene_list_sha256: str) -> None:
        """Refuse another gene list."""
        if gene_list_sha256 != self.gene_list_sha256:
            raise InputError(
                f"the checkpoint is of gene list {self.gene_list_sha256}, the data are of "
                f"{gene_list_sha256}; train a model on this gene list"
            )

    def check_resumable(self, other: "Identity") -> None:
        """Refuse to go on with other genes, another generation, or other settings."""
        self.check_genes(other.gene_list_sha256)
        if other.generation != self.generation:
            raise InputError(
                f"the checkpoint is of generation {self.generation}, the data are of "
                f"{other.generation}; a training can only be resumed on the same data: choose another "
                "name for a new model"
            )
        self.check_settings(other)

    def check_settings(self, other: "Identity", except_for: Sequence[str] = ()) -> None:
        """Refuse other settings."""
        for key in sorted({*self.config, *other.config} - {*except_for}):
            if self.config.get(key) != other.config.get(key):
                raise InputError(
                    f"the checkpoint was trained with {key} = {self.config.get(key)!r}, not "
                    f"{other.config.get(key)!r}; choose another name for a new model"
                )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint on disk: where, of what, and how far."""

    path: Path
    identity: Identity
    progress: Progress

    @property
    def fingerprint(self) -> str:
        """A hash of what it was trained on, how, and how far: another training's is another."""
        return hash_json([asdict(self.identity), self.progress.encode()])


class Checkpoints:
    """The checkpoints of one training: folders named by step, complete when they have their name."""

    def __init__(self, folder: Path) -> None:
        # Orbax takes absolute paths only.
        self.folder = folder.absolute()

    def save(
        self,
        net: nnx.Pytree,
        optimizer: nnx.Pytree,
        columns: GeneColumns,
        identity: Identity,
        progress: Progress,
    ) -> Checkpoint:
        """Write a checkpoint, then delete all but it and the best epoch's.

        Raises
        ------
        StoreError
            It can't be written (a full disk, say): those that were there stay.
        """
        path = self.folder / f"{progress.step:09d}{'' if progress.losses else '-epoch'}"
        about = {"identity": asdict(identity), "progress": progress.encode()}
        arrays = {
            "net": named_arrays(net),
            "optimizer": named_arrays(optimizer),
            "columns": _arrays_of(columns),
        }
        items = ocp.args.Composite(
            about=ocp.args.JsonSave(about),
            **{name: ocp.args.StandardSave(values) for name, values in arrays.items()},
        )
        n_bytes = sum(array.nbytes for values in arrays.values() for array in values.values())
        try:
            self._check_space(path, n_bytes)
            with _ORBAX, ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as writer:
                writer.save(path, items)
        except (OSError, ValueError, RuntimeError) as error:
            for left in self.folder.glob(f"{path.name}.*"):
                shutil.rmtree(left, ignore_errors=True)
            raise StoreError(
                f"cannot write the checkpoint {path}: {error}; free space and run the same command "
                "again: it goes on from the last checkpoint"
            ) from error
        found = Checkpoint(path, identity, progress)
        self._delete_others(found)
        release_memory(n_bytes)
        return found

    def _check_space(self, path: Path, n_bytes: int) -> None:
        """Refuse before the first byte: Orbax' threads, once they write, fail one by one and loudly."""
        self.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
        if free < n_bytes + _SLACK:
            raise StoreError(
                f"cannot write the checkpoint {path}: it needs {n_bytes + _SLACK:,} bytes and {free:,} "
                "are free; free space and run the same command again: it goes on from the last checkpoint"
            )

    def newest(self) -> Checkpoint | None:
        """The last complete checkpoint."""
        paths = self._paths()
        return read_about(paths[-1]) if paths else None

    def best(self) -> Checkpoint | None:
        """The checkpoint of the epoch with the least validation loss; else the newest."""
        newest = self.newest()
        if newest is None:
            return None
        for path in self._paths():
            found = read_about(path)
            if _is_epoch_end(found.progress, newest.progress.best_epoch):
                return found
        return newest

    def clear(self) -> None:
        """Delete what a killed training left half written or half deleted; nobody else may be training."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if not _NAME.fullmatch(path.name):
                    shutil.rmtree(path, ignore_errors=True)

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    def _delete_others(self, newest: Checkpoint) -> None:
        best_epoch = newest.progress.best_epoch
        newest_is_best = _is_epoch_end(newest.progress, best_epoch)
        for path in self._paths():
            if path == newest.path:
                continue
            if newest_is_best or not _is_epoch_end(read_about(path).progress, best_epoch):
                # Renamed first: what a kill leaves of it is no checkpoint.
                shutil.rmtree(path.rename(path.with_name(f"{_GONE}{path.name}")))


def read_about(path: Path) -> Checkpoint:
    """What a checkpoint says of itself, without its arrays."""
    about = _restore(path, about=ocp.args.JsonRestore())["about"]
    return Checkpoint(path, Identity(**about["identity"]), decode_progress(about["progress"]))


def restore_into(checkpoint: Checkpoint, **modules: nnx.Pytree) -> None:
    """Put a checkpoint's arrays into `net`, and `optimizer` where it is given, where they lie now."""
    n_bytes = 0
    for name, module in modules.items():
        arrays = named_arrays(module)
        n_bytes += sum(array.nbytes for array in arrays.values())
        target = jax.tree.map(ocp.utils.to_shape_dtype_struct, arrays)
        found = _restore(checkpoint.path, **{name: ocp.args.StandardRestore(target)})[name]
        state = nnx.state(module)
        leaves, structure = jax.tree_util.tree_flatten_with_path(state)
        values = [found[jax.tree_util.keystr(path)] for path, _ in leaves]
        nnx.update(module, jax.tree_util.tree_unflatten(structure, values))
    release_memory(n_bytes)


def read_columns(checkpoint: Checkpoint) -> GeneColumns:
    """The genes of a checkpoint's network, and how they are standardised."""
    found = _restore(checkpoint.path, columns=ocp.args.StandardRestore())["columns"]
    return GeneColumns(**{name: jax.numpy.asarray(value) for name, value in found.items()})


def named_arrays(module: nnx.Pytree) -> dict[str, jax.Array]:
    """All arrays of a module by their path in it."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(nnx.state(module))
    return {jax.tree_util.keystr(path): value for path, value in leaves}


def _arrays_of(columns: GeneColumns) -> dict[str, jax.Array]:
    return {"index": columns.index, "shift": columns.shift, "scale": columns.scale}


def _restore(path: Path, **items: Any) -> Any:
    try:
        with _ORBAX, ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as reader:
            return reader.restore(path, ocp.args.Composite(**items))
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(
            f"cannot read the checkpoint {path}: {error}; delete it to go on from the one before"
        ) from error


def _is_epoch_end(progress: Progress, epoch: int) -> bool:
    return progress.epoch == epoch + 1 and not progress.losses

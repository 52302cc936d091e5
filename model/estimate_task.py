"""What fitting a task will take of this machine: refused before the first step where it can't be had."""

import jax

from model.batches.loader import loader_kind, resident_bytes, streamed_bytes
from model.start import start_bytes
from model.task import Task
from model.training.estimate import Estimate, check_fits, estimate_training
from model.training.placement import mesh_of


def estimate_task(task: Task, host_bytes: int) -> Estimate:
    """What fitting will take; refused if it can't fit, on a host with so many bytes, or lacks its devices."""
    recipe, se = task.recipe, task.recipe.fit.loss.weight_by_se
    mesh_of(recipe.devices)
    n_genes = int(task.scaling.mask.sum())
    resident = loader_kind(task.copy, task.loader, se=se) == "resident"
    to_begin = task.checkpoints.newest() is None
    estimate = estimate_training(
        recipe.network,
        recipe.fit,
        recipe.devices,
        n_columns=n_genes,
        n_training=len(task.training),
        n_validation=len(task.validation),
        row_bytes=task.copy.row_bytes * (2 if se else 1),
        resident_bytes=resident_bytes(task.copy, se=se) if resident else 0,
        loader_bytes=0
        if resident
        else streamed_bytes(task.copy, recipe.fit.batch_size, task.loader, se=se),
        start_bytes=start_bytes(recipe.network, len(task.training), n_genes) if to_begin else 0,
    )
    devices = jax.devices()
    on_host = devices[0].platform == "cpu"
    check_fits(
        estimate,
        device_bytes=None if on_host else (devices[0].memory_stats() or {}).get("bytes_limit"),
        host_bytes=host_bytes,
        shared=on_host,
        n_devices=len(devices),
    )
    return estimate

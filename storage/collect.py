"""Deleting old generations, and the holds that keep one from it."""

import json
import logging
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from storage.errors import StoreError
from storage.files import Files
from storage.generation import FOLDER, list_generations, list_remains, read_current
from storage.placements import keep_placements
from storage.process import is_alive, this_process
from storage.training_copy import (
    copy_manifest_path,
    copy_path,
    list_copy_manifests,
    read_copy_manifest,
)

log = logging.getLogger(__name__)

HOLDS = f"{FOLDER}/holds"
# A reader on another host cannot be asked whether it lives; its hold counts for this long.
REMOTE_HOLD_S = 7 * 24 * 3600.0


@contextmanager
def hold_generation(disk: Files, generation: str, reason: str) -> Iterator[None]:
    """Keep a generation from being collected while this process reads it.

    Where nobody may write there is no hold, and a warning.
    """
    key = f"{HOLDS}/{uuid.uuid4().hex}.json"
    held = {"generation": generation, "reason": reason, "since": time.time(), **this_process()}
    try:
        disk.put(key, json.dumps(held).encode())
    except StoreError as error:
        log.warning("%s is not kept from `dexome gc` while it is read: %s", generation, error)
        yield
        return
    try:
        yield
    finally:
        disk.delete(key)


def held_generations(disk: Files) -> dict[str, str]:
    """Generations that a live reader or a model holds, with the reason."""
    held = {}
    for key in disk.list(HOLDS):
        try:
            hold = json.loads(disk.read(key) or b"{}")
            if _counts(hold):
                held[str(hold["generation"])] = str(hold["reason"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # Whose it is can't be told; a hold is only ever written whole.
            raise StoreError(
                f"{disk.address(key)} is damaged; delete it, if nobody reads an old generation"
            ) from error
    return held


def collect_generations(
    disk: Files, keep: int, kept: Mapping[str, str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """Delete all but the `keep` newest generations, CURRENT and the held ones.

    A study keeps the place that splits of deleted generations gave it.

    Parameters
    ----------
    kept
        Generations that are spared for another reason, with it.

    Returns
    -------
    deleted, spared
        Names of the deleted generations; those kept although they are old, with the reason.
    """
    if keep < 1:
        raise ValueError(f"keep must be at least 1, got {keep}")
    current = read_current(disk)
    held = {**(kept or {}), **held_generations(disk)}
    deleted, spared = [], {}
    for name in list_generations(disk)[:-keep]:
        if current is not None and name == current.generation:
            spared[name] = "it is the current one"
        elif name in held:
            spared[name] = held[name]
        else:
            deleted.append(name)
    keep_placements(disk, deleted)
    for name in deleted:
        # Out of sight in one step, so that a killed collection leaves no half generation.
        for hidden in disk.hide(f"{FOLDER}/{name}"):
            disk.delete(hidden)
    # One that lost its root looks like a remain: while it is current or held, what is left of it stays.
    in_use = {*held, *([current.generation] if current is not None else [])}
    for key in list_remains(disk):
        if key.removeprefix(f"{FOLDER}/") not in in_use:
            disk.delete(key)
    return deleted, spared


def collect_copies(disk: Files) -> list[str]:
    """Delete the training copies of generations that are no longer there; returns their keys.

    One whose manifest can't be read is left: `doctor` tells of it.
    """
    there = set(list_generations(disk))
    deleted = []
    # By manifest, which goes last: what a kill leaves half deleted is found again.
    for key in list_copy_manifests(disk):
        try:
            orphaned = read_copy_manifest(disk, key).generation not in there
        except StoreError:
            continue
        if orphaned:
            disk.delete(copy_path(key))
            disk.delete(copy_manifest_path(key))
            deleted.append(key)
    return deleted


def _counts(hold: dict[str, Any]) -> bool:
    alive = is_alive(hold)
    if alive is None:
        return time.time() - float(hold.get("since", 0)) < REMOTE_HOLD_S
    return alive

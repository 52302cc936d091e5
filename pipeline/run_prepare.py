"""The prepare stage: the split of the newest generation, and the training copy made for it."""

import json
import logging
from dataclasses import asdict, dataclass
from typing import Any

from distributed import Client

from pipeline.choose_split import PREPARE_VERSION, split_name
from pipeline.make_split import make_split
from pipeline.prepare.settings import PrepareSettings
from pipeline.progress import Report
from pipeline.stages.prepare_links import read_labels, read_super_series
from pipeline.workspace import Workspace
from pipeline.write_copy import write_copy
from storage.compile_split import publish_split
from storage.errors import InputError
from storage.generation import FOLDER, clear_builds, is_published, read_current
from storage.hashing import hash_json
from storage.lease import Lease
from storage.open import open_compendium, open_store

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What the stage came to: addresses of split and copy, whether each is new, genes, and the leak audit."""

    generation: str
    split: str
    new: bool
    copy: str
    new_copy: bool
    genes: int
    selected: int
    audit: dict[str, Any]


def run_prepare(
    workspace: Workspace,
    client: Client,
    lease: Lease,
    report: Report,
    settings: PrepareSettings,
    *,
    fresh: bool = False,
    rebuild: bool = False,
) -> Prepared:
    """Split the newest generation, take the moments of its genes, publish both, and write the training copy.

    What is there already, made of the same, is left. With `fresh` no study keeps an earlier place.

    Raises
    ------
    InputError
        There is no compendium, no training contrast, or no gene that is tested often enough.
    """
    disk = workspace.disk
    current = read_current(disk)
    if current is None:
        raise InputError(
            f"{workspace.disk.address()} has no compendium yet; run `dexome run` first"
        )
    disk.sweep("")
    # Who published a split may have been killed before it had cleared up.
    clear_builds(disk, FOLDER, None)
    table = settings.split.super_series
    series = read_super_series(workspace.root / table) if table else []
    tree = open_compendium(workspace.disk, beside="")
    labels = read_labels(tree)
    store = split_name(settings)
    inputs = hash_json([PREPARE_VERSION, current.manifest_sha256, asdict(settings), series])
    new = fresh or rebuild or not is_published(disk, current.generation, store, inputs)
    if new:
        content = make_split(
            disk,
            client,
            report,
            current.generation,
            tree,
            labels,
            settings,
            series,
            inputs,
            fresh=fresh,
        )
        publish_split(disk, store, content, lease)
        log.info("published %s of %s", store, current.generation)
    split = open_store(disk, current.generation, store)
    selected = split["selected"].values
    key, new_copy = write_copy(
        disk, client, lease, report, current.generation, labels, settings, selected, rebuild=rebuild
    )
    assert key == split.attrs["copy"]
    return Prepared(
        generation=current.generation,
        split=disk.address(f"{FOLDER}/{current.generation}/{store}"),
        new=new,
        copy=disk.address(f"training/{key}.zarr"),
        new_copy=new_copy,
        genes=len(selected),
        selected=int(selected.sum()),
        audit=json.loads(split.attrs["audit"]),
    )

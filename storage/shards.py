"""Writing one shard row: the only task that writes into a store, whole shards and nothing else."""

import hashlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, Protocol

import numpy as np

from storage.concurrent import read_ahead
from storage.enrichment_parts import read_enrichment_part
from storage.errors import StoreError
from storage.files import Files
from storage.halves_parts import read_halves_part
from storage.hashing import hash_json
from storage.layout import FILL, Layout, encode_shard
from storage.parts import read_part
from storage.schema import SCHEMA_VERSION, Variable

# Shards, encoded, that a task holds beside its blocks.
_UNDER_WAY = 3
Kind = Literal["dea", "go", "halves"]


class PartRows(Protocol):
    """What a shard takes of a part: arrays by contrast and by study, and the hash of their last axis."""

    @property
    def statistics(self) -> Mapping[str, np.ndarray]: ...

    @property
    def study_statistics(self) -> Mapping[str, np.ndarray]: ...

    @property
    def axis_sha256(self) -> str: ...


ReadPart = Callable[[Files, str, str], tuple[PartRows, str]]
READ: dict[Kind, ReadPart] = {
    "dea": read_part,
    "go": read_enrichment_part,
    "halves": read_halves_part,
}


@dataclass(frozen=True, slots=True)
class Row:
    """Where one row of an array comes from.

    `index` is the contrast's number in the part; `part` is None for a study without a result, whose
    row is NaN.
    """

    study: str
    part: str | None = None
    digest: str | None = None
    index: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardTask:
    """One row of shards: the same `rows` of every one of `variables`, in the group `group`.

    The rows come from parts of a `kind`; `inner` is the shape of one row, and `axis_sha256` the hash of
    its genes or terms. `links` maps a variable to the path, relative to the workspace, and the SHA-256
    of a shard of an earlier generation that holds the same rows.
    """

    kind: Kind
    building: str
    store: str
    group: str
    variables: tuple[Variable, ...]
    number: int
    rows: tuple[Row, ...]
    inner: tuple[int, ...]
    axis_sha256: str
    layout: Layout
    links: dict[str, tuple[str, str]]

    @property
    def block_bytes(self) -> list[int]:
        """Bytes of the block of each variable."""
        cells = len(self.rows) * math.prod(self.inner)
        return [cells * np.dtype(variable.dtype).itemsize for variable in self.variables]

    def path(self, variable: Variable) -> str:
        """The array's path within the store."""
        return f"{self.group}/{variable.name}" if self.group else variable.name

    def file(self, variable: Variable) -> str:
        """The shard's file, relative to the generation."""
        place = "/".join(map(str, (self.number, *(0 for _ in self.inner))))
        return f"{self.store}/{self.path(variable)}/c/{place}"

    def key(self, variable: Variable) -> str:
        """Where it is built."""
        return f"{self.building}/{self.file(variable)}"


@dataclass(frozen=True, slots=True)
class ShardReceipt:
    """A shard that is in its place and verified."""

    file: str
    sha256: str
    size: int
    signature: str
    linked: bool


def shard_signature(
    rows: Iterable[Row], variable: Variable, layout: Layout, inner: Sequence[int]
) -> str:
    """Hash of what goes into a shard: equal signatures, equal values."""
    content = [
        SCHEMA_VERSION,
        [variable.name, variable.dtype],
        [layout.chunk_rows, layout.chunk_columns, layout.shard_rows, *inner],
        [[row.study, row.digest, row.index] for row in rows],
    ]
    return hash_json(content)


def write_shards(disk: Files, task: ShardTask) -> list[ShardReceipt]:
    """Write, or link, one shard of every variable of a task, and verify each against the parts.

    A shard that a killed run left complete is kept. Holds one block of the shard's rows for each variable.

    Raises
    ------
    StoreError
        A part is damaged or has changed, or a shard reads back otherwise than it was written.
    """
    if receipts := _link_shards(disk, task):
        return receipts
    # What is there is asked while parts are read, and the next shard encoded while some are on their way.
    with ThreadPoolExecutor(_UNDER_WAY) as pool:
        found = {v.name: pool.submit(disk.size, task.key(v)) for v in task.variables}
        blocks = _read_blocks(disk, task)
        under_way: deque[Future[ShardReceipt]] = deque()
        for variable in task.variables:
            data = encode_shard(variable, blocks.pop(variable.name), task.layout)
            if len(under_way) == _UNDER_WAY:
                receipts.append(under_way.popleft().result())
            there = found[variable.name].result()
            under_way.append(pool.submit(_write_shard, disk, task, variable, data, there))
        receipts += [each.result() for each in under_way]
    return receipts


def _write_shard(
    disk: Files, task: ShardTask, variable: Variable, data: bytes, there: int | None
) -> ShardReceipt:
    """Write the shard where there is none of its size and bytes, and read it back."""
    key = task.key(variable)
    if there != len(data) or disk.read(key) != data:
        disk.stage(key, data)
        if disk.read(key) != data:
            raise StoreError(
                f"{disk.address(key)} reads back otherwise than it was written; check the disk and run "
                "the command again"
            )
    return _receipt(task, variable, hashlib.sha256(data).hexdigest(), len(data), linked=False)


def _link_shards(disk: Files, task: ShardTask) -> list[ShardReceipt]:
    """Receipts of the shards linked from an earlier generation; none if one of them is not intact."""
    if len(task.links) < len(task.variables):
        return []
    if any(disk.sha256(source) != sha256 for source, sha256 in task.links.values()):
        return []
    receipts = []
    for variable in task.variables:
        source, sha256 = task.links[variable.name]
        disk.link(source, task.key(variable))
        receipts.append(_receipt(task, variable, sha256, disk.size(source) or 0, linked=True))
    return receipts


def _read_blocks(disk: Files, task: ShardTask) -> dict[str, np.ndarray]:
    blocks = {
        variable.name: np.full((len(task.rows), *task.inner), FILL[variable.dtype], variable.dtype)
        for variable in task.variables
    }
    numbered = [(place, row) for place, row in enumerate(task.rows) if row.part is not None]
    studies = [
        list(members)
        for _, members in groupby(numbered, key=lambda item: (item[1].study, item[1].part))
    ]

    def read(members: list[tuple[int, Row]]) -> tuple[PartRows, str]:
        row = members[0][1]
        assert row.part is not None
        return READ[task.kind](disk, row.study, row.part)

    for members, (part, digest) in read_ahead(read, studies):
        study = members[0][1].study
        if digest != members[0][1].digest or part.axis_sha256 != task.axis_sha256:
            raise StoreError(
                f"the part of {study} changed while the compendium was compiled; run the command again"
            )
        for variable in task.variables:
            source = part.statistics.get(variable.name)
            for place, row in members:
                blocks[variable.name][place] = (
                    part.study_statistics[variable.name] if source is None else source[row.index]
                )
    return blocks


def _receipt(
    task: ShardTask, variable: Variable, sha256: str, size: int, *, linked: bool
) -> ShardReceipt:
    signature = shard_signature(task.rows, variable, task.layout, task.inner)
    return ShardReceipt(task.file(variable), sha256, size, signature, linked)


def make_shard_tasks(
    kind: Kind,
    building: str,
    store: str,
    group: str,
    variables: tuple[Variable, ...],
    rows: Sequence[Row],
    inner: tuple[int, ...],
    axis_sha256: str,
    layout: Layout,
    linkable: Mapping[str, tuple[str, str]],
) -> list[ShardTask]:
    """One task for each row of shards; `linkable` are existing shards, path and SHA-256 by signature."""
    tasks = []
    for number, members in enumerate(split_rows(rows, layout)):
        signatures = {v.name: shard_signature(members, v, layout, inner) for v in variables}
        tasks.append(
            ShardTask(
                kind=kind,
                building=building,
                store=store,
                group=group,
                variables=variables,
                number=number,
                rows=members,
                inner=inner,
                axis_sha256=axis_sha256,
                layout=layout,
                links={name: linkable[sig] for name, sig in signatures.items() if sig in linkable},
            )
        )
    return tasks


def split_rows(rows: Sequence[Row], layout: Layout) -> list[tuple[Row, ...]]:
    """The rows of each shard, in order."""
    return [
        tuple(rows[start : start + layout.shard_rows])
        for start in range(0, len(rows), layout.shard_rows)
    ]

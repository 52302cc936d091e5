"""A workspace's parts and compendium beside a plain model of what they must hold, moved on together."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import count
from pathlib import Path

import storage.disk
from storage.collect import collect_generations, hold_generation
from storage.compile import (
    StudyEntry,
    adopt_generation,
    begin_build,
    plan_build,
    publish_build,
)
from storage.errors import StoreError
from storage.files import Files
from storage.generation import FOLDER, list_generations, manifest_key, read_current
from storage.layout import Layout
from storage.lease import Lease
from storage.parts import Part, part_key, write_part
from storage.shards import write_shards
from tests.support.parts import make_genes, write_build
from tests.support.plain_store import PlainStore, PlainStudy, make_study

GENES = make_genes(7)
# Two chunks of genes, the second not full; shards of up to two chunks and four contrasts.
LAYOUT = Layout(chunk_rows=2, chunk_columns=4, shard_rows=4)


class CutError(Exception):
    """What ends a job at one of its steps."""


@contextmanager
def cut_short(word: str, steps: int, error: Exception) -> Iterator[None]:
    """Fail every step on the disk but the first `steps`, counted from the first whose file is `word`."""
    counted, begun = count(), not word

    def fail(kind: str, path: Path) -> None:
        del kind
        nonlocal begun
        begun = begun or path.name == word
        if begun and next(counted) >= steps:
            raise error

    storage.disk.step_hook = fail
    try:
        yield
    finally:
        storage.disk.step_hook = None


class ModelledStore:
    """A store and its model.

    `plan` is what the next compilation is made of, `generations` are the published ones, `damaged` the
    keys of harmed files. What is read of a generation with a harmed file must be right or an error.
    """

    def __init__(self, disk: Files) -> None:
        self.disk = disk
        self.plan: dict[str, PlainStudy] = {}
        self.parts: dict[str, Part] = {}
        self.generations: dict[str, PlainStore] = {}
        self.current: str | None = None
        self.held: dict[str, ExitStack] = {}
        self.damaged: set[str] = set()

    def analyse(self, study: str, n_contrasts: int, seed: int) -> None:
        """Plan a study that has a result, and write its part."""
        self.plan[study], part = make_study(study, n_contrasts, seed, GENES)
        self.write(part_key(study, part.key), part)

    def write(self, key: str, part: Part) -> None:
        """Write a part into its place."""
        write_part(self.disk, part)
        self.parts[key] = part
        self.damaged.discard(key)

    def analyse_again(self) -> None:
        """Write the parts that are planned and damaged, as `dexome analyse` would."""
        for key in self.parts_of(self.planned) & self.damaged:
            self.write(key, self.parts[key])

    @property
    def planned(self) -> PlainStore:
        """What the plan would compile to."""
        return PlainStore(tuple(self.plan[study] for study in sorted(self.plan)), len(GENES))

    def parts_of(self, plain: PlainStore) -> set[str]:
        """Keys of the parts that a generation is made of."""
        return {part_key(study.study, study.part) for study in plain.studies if study.part}

    def entries(self) -> list[StudyEntry]:
        """The plan as the compiler is told, in no order."""
        return [study.entry for study in self.plan.values()]

    def compile(
        self, *, rebuild: bool = False, cut: tuple[str, int, Exception] | None = None
    ) -> None:
        """Compile and publish the plan as `dexome compile` does, or begin to, and take the model along.

        It may be refused for a damaged part, or for a damaged manifest newer than the current one.
        """
        planned, before = self.planned, self.current
        wanted = self._expected_current(rebuild)
        refusal: Exception | None = None
        try:
            with Lease(self.disk) as lease, cut_short(*cut) if cut else nullcontext():
                build = plan_build(
                    self.disk, GENES, self.entries(), {}, layout=LAYOUT, rebuild=rebuild
                )
                if build and (rebuild or not adopt_generation(self.disk, build, lease)):
                    publish_build(self.disk, build, write_build(self.disk, build), lease)
        except (CutError, OSError, StoreError) as error:
            refusal = error
        assert refusal is None or cut or self._may_refuse(), refusal
        new = [name for name in list_generations(self.disk) if name not in self.generations]
        assert len(new) <= (wanted is None)
        self.generations |= dict.fromkeys(new, planned)
        current = read_current(self.disk)
        self.current = current.generation if current else None
        wanted = wanted or (new[0] if new else None)
        assert self.current in ((before, wanted) if refusal else (wanted,))

    def publish_again(self) -> None:
        """Compile where CURRENT is gone, and once more, anew, where a damaged manifest is in the way."""
        self.current = None
        self.compile()
        if self.current is None:
            self.compile(rebuild=True)

    def build_some(self, share: float, *, backwards: bool) -> str | None:
        """Begin a build and write a share of its shards; the key of its folder, None where none is begun."""
        try:
            build = plan_build(self.disk, GENES, self.entries(), {}, layout=LAYOUT)
            if build is None:
                return None
            begin_build(self.disk, build)
            tasks = build.tasks[::-1] if backwards else build.tasks
            for task in tasks[: round(len(tasks) * share)]:
                write_shards(self.disk, task)
        except StoreError:
            if self.parts_of(self.planned) & self.damaged:
                return None
            raise
        return build.building

    def collect(self, keep: int, steps: int | None = None) -> None:
        """Delete old generations, to the end or for some steps."""
        names = sorted(self.generations)
        spared = {name for name in names[:-keep] if name == self.current or name in self.held}
        old = [name for name in names[:-keep] if name not in spared]
        try:
            with nullcontext() if steps is None else cut_short("", steps, CutError()):
                deleted, told = collect_generations(self.disk, keep)
            assert (deleted, set(told)) == (old, spared)
        except CutError:
            assert steps is not None
            old = [name for name in old if name not in list_generations(self.disk)]
        for name in old:
            del self.generations[name]
            self.damaged -= {key for key in self.damaged if key.startswith(f"{FOLDER}/{name}/")}

    def hold(self, name: str) -> None:
        """Keep a generation from being collected."""
        self.held[name] = ExitStack()
        self.held[name].enter_context(hold_generation(self.disk, name, "it is read"))

    def harm(self, key: str, how: str, at: int) -> None:
        """Delete a file, cut it off, or flip a bit of it; linked files stay as they are."""
        data = self.disk.read(key)
        assert data
        self.disk.delete(key)
        place = at % len(data)
        if how == "cut":
            self.disk.put(key, data[:place])
        elif how == "flipped":
            flipped = data[place] ^ (1 << at % 8)
            self.disk.put(key, data[:place] + bytes([flipped]) + data[place + 1 :])

    def is_sound(self, name: str) -> bool:
        """Whether a generation is there and no file of it was harmed."""
        below = f"{FOLDER}/{name}/"
        return name in self.generations and not any(key.startswith(below) for key in self.damaged)

    @contextmanager
    def right_or_error(self, name: str) -> Iterator[None]:
        """Let pass an error of the store where the generation that is read is not sound."""
        try:
            yield
        except StoreError:
            assert not self.is_sound(name)

    def expected_findings(self) -> list[str]:
        """Keys of which the doctor must tell."""
        assert self.current is not None
        if manifest_key(self.current) in self.damaged:
            return [manifest_key(self.current)]
        harmed = {key for key in self.damaged if key.startswith(f"{FOLDER}/{self.current}/")}
        return sorted(harmed | self.parts_of(self.generations[self.current]) & self.damaged)

    def _expected_current(self, rebuild: bool) -> str | None:
        """The current or adopted generation that a compilation ends with; None if it publishes one."""
        if rebuild:
            return None
        newer = [name for name in self.generations if self.current is None or name >= self.current]
        same = [n for n in newer if self.generations[n].identity == self.planned.identity]
        return self.current if self.current in same else max(same, default=None)

    def _may_refuse(self) -> bool:
        """Whether a compilation may end with an error that was not put there."""
        newer = [n for n in self.generations if self.current is None or n > self.current]
        needed = self.parts_of(self.planned) | {manifest_key(name) for name in newer}
        return bool(needed & self.damaged)

"""What may happen to a store, in any order: Hypothesis drives it and its model through these rules."""

import errno
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import pytest
import xarray as xr
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from storage.collect import collect_generations
from storage.disk import Disk
from storage.doctor import examine
from storage.errors import StoreError
from storage.files import Files
from storage.generation import (
    CURRENT_KEY,
    FOLDER,
    list_generations,
    manifest_key,
    read_current,
)
from storage.open import open_compendium
from storage.query import Order
from tests.support.modelled_store import GENES, CutError, ModelledStore
from tests.support.plain_answers import assert_block, assert_contrast, assert_gene, names_of
from tests.support.plain_store import (
    NAMES,
    PlainStore,
    PlainStudy,
    assert_labels,
    assert_matrices,
)

# One name begins as another does: names sort otherwise than the ids that are made of them.
STUDIES = st.sampled_from(("S", "S1", "S10", "S-2", "a b", "Ä"))
REASONS = st.sampled_from(("no_replicates", "worker_died"))
# A number to pick by; often a small one, which also means the first bytes of a file.
ANY = st.one_of(st.integers(0, 9), st.integers(0, 999))
SOME = st.lists(ANY, min_size=1, max_size=3)
ORDERS = st.sampled_from(("p", "logfc", "t"))
T = TypeVar("T")


def pick(items: Iterable[T], number: int) -> T:
    """One of the items, for any number."""
    ordered = list(items)
    return ordered[number % len(ordered)]


class StoreMachine(RuleBasedStateMachine):
    """A store on a local disk, unless a subclass makes another, beside its model.

    The three trees that were opened last stay open, and are read again and again.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir=folder))
        self.store = ModelledStore(self.make_disk())
        self.readers: list[tuple[str, xr.DataTree, PlainStore]] = []
        self.touched = True

    def make_disk(self) -> Files:
        """The place of files that is tested, empty."""
        return Disk(self.root)

    def may_harm(self, key: str) -> bool:  # noqa: ARG002
        """Whether a generation is still there without a file of it."""
        return True

    def teardown(self) -> None:
        for hold in self.store.held.values():
            hold.close()
        shutil.rmtree(self.root)

    @initialize(sizes=st.dictionaries(STUDIES, st.integers(0, 3), min_size=1))
    def begin(self, sizes: dict[str, int]) -> None:
        """Some studies are there from the first."""
        for study, n_contrasts in sizes.items():
            self.store.analyse(study, n_contrasts, seed=0)

    @rule(study=STUDIES, n_contrasts=st.integers(0, 3), seed=st.integers(0, 2))
    def analyse(self, study: str, n_contrasts: int, seed: int) -> None:
        """A study comes, or another takes its place."""
        self._analyse(study, n_contrasts, seed)

    @precondition(lambda self: self.store.plan)
    @rule(number=ANY, seed=st.integers(0, 2))
    def try_again(self, number: int, seed: int) -> None:
        """A planned study gets other values for the same contrasts, or a result at last."""
        study = pick(sorted(self.store.plan), number)
        self._analyse(study, len(self.store.plan[study].contrasts) or 1, seed)

    @rule(study=STUDIES, reason=REASONS)
    def fail(self, study: str, reason: str) -> None:
        """A study comes without a result, or loses it."""
        self.store.plan[study] = PlainStudy(
            study=study, status="failed", reason=reason, samples={"s1": False}
        )

    @precondition(lambda self: self.store.plan)
    @rule(number=ANY)
    def remove(self, number: int) -> None:
        """A study leaves the plan."""
        del self.store.plan[pick(sorted(self.store.plan), number)]

    @rule(rebuild=st.sampled_from((False, False, True)))
    def compile(self, rebuild: bool) -> None:
        self._compile(rebuild=rebuild)

    @rule(study=STUDIES, n_contrasts=st.integers(1, 3), seed=st.integers(0, 2))
    def grow(self, study: str, n_contrasts: int, seed: int) -> None:
        """A study comes and is compiled at once: generations follow each other."""
        self._analyse(study, n_contrasts, seed)
        self._compile(rebuild=False)

    @rule(
        rebuild=st.booleans(),
        word=st.sampled_from(("", "contrasts.manifest.json", "CURRENT")),
        steps=st.one_of(st.integers(0, 4), st.integers(0, 250)),
        full=st.booleans(),
    )
    def compile_cut_short(self, rebuild: bool, word: str, steps: int, full: bool) -> None:
        """A compilation ends, or finds the disk full, at one of its steps."""
        error = OSError(errno.ENOSPC, "No space left on device") if full else CutError()
        self.store.compile(rebuild=rebuild, cut=(word, steps, error))
        self.touched = True

    @rule(share=st.floats(0, 1), backwards=st.booleans(), torn=ANY, at=ANY)
    def build_and_leave(self, share: float, backwards: bool, torn: int, at: int) -> None:
        """Some shards of a build are written, in some order, and a power loss tears one of its files."""
        building = self.store.build_some(share, backwards=backwards)
        if building is not None and (files := self.store.disk.list(building)):
            self.store.harm(pick(files, torn), "cut", at)
        self.touched = True

    @rule(keep=st.sampled_from((1, 1, 2)), steps=st.one_of(st.none(), st.integers(0, 6)))
    def collect(self, keep: int, steps: int | None) -> None:
        self.store.collect(keep, steps)
        self.touched = True

    @precondition(lambda self: self.store.generations.keys() - self.store.held.keys())
    @rule(number=ANY)
    def hold(self, number: int) -> None:
        """Often the oldest, which would go first."""
        free = self.store.generations.keys() - self.store.held.keys()
        self.store.hold(pick(sorted(free), number))

    @precondition(lambda self: self.store.held)
    @rule(number=ANY)
    def let_go(self, number: int) -> None:
        self.store.held.pop(pick(sorted(self.store.held), number)).close()

    @precondition(lambda self: self.store.current)
    @rule(
        what=st.sampled_from(("shard", "shard", "file", "manifest", "part")),
        how=st.sampled_from(("gone", "cut", "flipped")),
        number=ANY,
        at=ANY,
    )
    def damage(self, what: str, how: str, number: int, at: int) -> None:
        """One file of the current generation, or of its parts, is gone, torn, or has a bit flipped."""
        store, current = self.store, self.store.current
        assert current is not None
        keys = set(store.disk.list(f"{FOLDER}/{current}"))
        if what == "shard":
            keys = {key for key in keys if any(f"/{name}/c/" in key for name in NAMES)}
        elif what == "manifest":
            keys = {manifest_key(current)}
        elif what == "part":
            keys = store.parts_of(store.generations[current])
        if keys := {key for key in keys - store.damaged if self.may_harm(key)}:
            key = pick(sorted(keys), number)
            store.harm(key, how, at)
            store.damaged.add(key)
            self.touched = True

    @precondition(lambda self: self.store.current and self.store.damaged)
    @rule()
    def mend(self) -> None:
        """Do what the doctor says."""
        store = self.store
        _, findings = examine(store.disk)
        parts = {store.disk.address(key): key for key in store.parts}
        for finding in findings:
            if "dexome analyse" in finding.cure:
                store.write(parts[finding.file], store.parts[parts[finding.file]])
        store.analyse_again()
        if any("dexome compile --rebuild" in finding.cure for finding in findings):
            store.compile(rebuild=True)
        assert examine(store.disk)[1] == []
        self.touched = True

    @precondition(lambda self: self.store.current)
    @rule(how=st.sampled_from(("cut", "flipped")), at=ANY)
    def damage_current_and_mend(self, how: str, at: int) -> None:
        """Nothing is done on the word of a damaged CURRENT; without it, compiling finds or makes one."""
        store = self.store
        store.harm(CURRENT_KEY, how, at)
        told = re.escape(f"{store.disk.address(CURRENT_KEY)} is damaged")
        with pytest.raises(StoreError, match=told):
            open_compendium(store.disk)
        with pytest.raises(StoreError, match=told):
            examine(store.disk)
        with pytest.raises(StoreError, match=told):
            collect_generations(store.disk, 1)
        store.disk.delete(CURRENT_KEY)
        store.analyse_again()
        store.publish_again()
        self.touched = True

    @precondition(lambda self: self.store.current)
    @rule(number=st.one_of(st.none(), ANY))
    def reopen(self, number: int | None) -> None:
        """Open the newest generation, or any that is there."""
        store = self.store
        named = None if number is None else pick(sorted(store.generations), number)
        name = named or store.current
        assert name is not None
        with store.right_or_error(name):
            tree, plain = open_compendium(store.disk, named), store.generations[name]
            assert_labels(tree, plain)
            assert_matrices(tree, plain)
            self._keep_open(name, tree)

    @precondition(lambda self: self.readers)
    @rule(number=ANY, gene=ANY, alias=ANY, n=st.integers(1, 5), by=ORDERS)
    def ask_for_a_gene(self, number: int, gene: int, alias: int, n: int, by: Order) -> None:
        name, tree, plain = pick(self.readers, number)
        place = gene % len(GENES)
        with self.store.right_or_error(name):
            assert_gene(tree, plain, pick(names_of(GENES, place), alias), place, n, by)

    @precondition(lambda self: self.readers)
    @rule(number=ANY, contrast=ANY, n=st.integers(1, 5), by=ORDERS)
    def ask_for_a_contrast(self, number: int, contrast: int, n: int, by: Order) -> None:
        name, tree, plain = pick(self.readers, number)
        if plain.contrasts:
            with self.store.right_or_error(name):
                assert_contrast(tree, plain, pick(plain.contrasts, contrast), GENES, n, by)

    @precondition(lambda self: self.readers)
    @rule(number=ANY, genes=SOME, contrasts=SOME, statistic=st.sampled_from(NAMES))
    def ask_for_a_block(
        self, number: int, genes: list[int], contrasts: list[int], statistic: str
    ) -> None:
        name, tree, plain = pick(self.readers, number)
        if n_rows := len(plain.contrasts):
            rows, columns = [i % n_rows for i in contrasts], [i % len(GENES) for i in genes]
            with self.store.right_or_error(name):
                assert_block(tree, plain, GENES, rows, columns, statistic)

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        """Looked at whenever something on the disk may have changed."""
        store = self.store
        if not self.touched:
            return
        self.touched = False
        assert list_generations(store.disk) == sorted(store.generations)
        found = read_current(store.disk)
        assert (found.generation if found else None) == store.current
        for name, tree, plain in self.readers:
            with store.right_or_error(name):
                assert_matrices(tree, plain)
        if store.current is None:
            return
        with store.right_or_error(store.current):
            tree = open_compendium(store.disk)
            assert_labels(tree, store.generations[store.current])
            assert_matrices(tree, store.generations[store.current])
            if store.current not in {name for name, _, _ in self.readers}:
                self._keep_open(store.current, tree)
        name, findings = examine(store.disk)
        assert name == store.current
        told = sorted(finding.file for finding in findings)
        assert told == sorted(map(store.disk.address, store.expected_findings()))

    def _compile(self, *, rebuild: bool) -> None:
        self.store.compile(rebuild=rebuild)
        self.touched = True

    def _analyse(self, study: str, n_contrasts: int, seed: int) -> None:
        damaged = len(self.store.damaged)
        self.store.analyse(study, n_contrasts, seed)
        self.touched |= len(self.store.damaged) < damaged

    def _keep_open(self, name: str, tree: xr.DataTree) -> None:
        assert tree.attrs["generation"] == name
        self.readers = [*self.readers[-2:], (name, tree, self.store.generations[name])]

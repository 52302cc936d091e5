"""The enrichment of a whole workspace: the store, its parts, what is done again, and what fails."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import storage.disk
from pipeline.dea.adjust import neg_log10_adjusted
from pipeline.enrich.settings import EnrichSettings
from pipeline.stages.enrich_study import EnrichTask
from pipeline.workspace import Workspace
from storage.doctor import examine
from storage.enrichment_parts import read_enrichment_part
from storage.enrichment_schema import DIRECTIONS, DOWN, TERM_STATISTICS, TESTABLE, UP
from storage.errors import InputError, StoreError
from storage.generation import list_enrichments, read_manifest
from storage.open import contrasts_of, enrichment_of, open_compendium
from tests.support.whole_run import compendium_hash, content_hash, run_enrichment, run_whole
from tests.support.workspaces import make_workspace, write_study, write_terms


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A published compendium of three studies, with terms to come."""
    workspace = make_workspace(tmp_path)
    run_whole(workspace)
    return with_terms(workspace, tmp_path)


def with_terms(workspace: Workspace, root: Path, min_logfc: float = 0.0) -> Workspace:
    enrich = write_terms(root)
    enrich = replace(enrich, tests=replace(enrich.tests, min_logfc=min_logfc))
    return Workspace(workspace.root, replace(workspace.config, enrich=enrich))


def test_the_store_has_every_contrast_and_agrees_with_the_statistics(workspace: Workspace) -> None:
    done = run_enrichment(workspace)
    assert (done.studies, done.known, done.failed, done.new) == (3, 0, {}, True)
    tree = open_compendium(workspace.root)
    found, contrasts = enrichment_of(tree), contrasts_of(tree)
    assert list(found.indexes["contrast"]) == list(contrasts.indexes["contrast"])
    assert list(found["direction"].values) == list(DIRECTIONS)
    assert [str(d) for d in found["domain"].values] == ["component", "process"]
    tested = ~np.isnan(contrasts["t"].values)
    genes = pd.read_csv(workspace.config.genes.list, sep="\t")["symbol"]
    pairs = pd.read_csv(workspace.config.enrich.annotation, sep="\t", names=["gene", "term"])  # type: ignore[union-attr]
    called = (contrasts["neg_log10_adj_p"].values > -np.log10(0.05)) & tested
    sides = {UP: contrasts["logfc"].values > 0, DOWN: contrasts["logfc"].values < 0}
    for place, term in enumerate(found.indexes["term"]):
        below = [term] if not term.endswith("0") else [t for t in pairs["term"] if t[2] == term[2]]
        has = genes.isin(pairs["gene"][pairs["term"].isin(below)]).to_numpy()
        np.testing.assert_array_equal(found["term_size"][:, place], (tested & has).sum(axis=1))
        for direction, side in sides.items():
            got = found["overlap"].values[:, direction, place]
            want = (called & side & has).sum(axis=1)
            np.testing.assert_array_equal(got[got >= 0], want[got >= 0])
    changed = list(found["name"].values).index("process changed")
    assert (found["label"].values[:, UP, changed] == 1).all()
    assert (found["label_rank"].values[:, UP, changed] == 1).all()
    assert (found["fwer"].values[:, UP, changed] == 0).all()
    p = found["neg_log10_p"].values[0, UP]
    for domain in ("process", "component"):
        inside = (found["domain_of_term"].values == domain) & ~np.isnan(p)
        want = neg_log10_adjusted(p[inside].astype(float))
        got = found["neg_log10_adj_p"].values[0, UP, inside]
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_plain_xarray_reads_it_and_is_told_where_it_comes_from(workspace: Workspace) -> None:
    done = run_enrichment(workspace)
    plain = xr.open_zarr(done.address)
    assert plain.attrs["ontology_version"] == "tiny/2026-01-01"
    for name in ("annotation", "annotation_sha256", "ontology_sha256", "dropped_rows", "tests"):
        assert plain.attrs[name]
    assert plain["fwer"].attrs["random_sets"] == 50
    assert plain["fwer"].attrs["monte_carlo_standard_error_at_0.05"] == pytest.approx(
        0.0308, abs=1e-4
    )
    assert plain["testable"].attrs["flag_meanings"].split() == list(TESTABLE.values())
    ours = enrichment_of(open_compendium(workspace.root))
    for variable in TERM_STATISTICS:
        assert plain[variable.name].dtype == variable.dtype
        assert plain[variable.name].dims == variable.dims
        np.testing.assert_array_equal(plain[variable.name], ours[variable.name])


def test_a_second_run_does_nothing_and_one_new_study_costs_one_study(
    workspace: Workspace, tmp_path: Path
) -> None:
    first = run_enrichment(workspace)
    again = run_enrichment(workspace)
    assert (again.known, again.new, again.address) == (3, False, first.address)
    write_study(tmp_path / "source" / "studies" / "S3", 3)
    current = run_whole(workspace)
    tree = open_compendium(workspace.root)
    with pytest.raises(InputError, match="no enrichment"):
        enrichment_of(tree)
    more = run_enrichment(workspace)
    assert (more.studies, more.known, more.new) == (4, 3, True)
    shards = read_manifest(
        workspace.disk,
        current.generation,
        store=list_enrichments(workspace.disk, current.generation)[0],
    ).shards
    same = [file for file in shards if shards[file]["studies"] == ["S0", "S1"]]
    assert same
    for file in same:
        path = workspace.local.path(f"compendium/{current.generation}/{file}")
        assert path.stat().st_nlink == 2, f"{file} was written again"


def test_other_settings_make_another_store_beside_the_first(
    workspace: Workspace, tmp_path: Path
) -> None:
    first = run_enrichment(workspace)
    other = run_enrichment(with_terms(workspace, tmp_path, min_logfc=3.0))
    assert first.address != other.address
    tree = open_compendium(workspace.root)
    names = [name for name in tree.children if name.startswith("enrichment-")]
    assert len(names) == 2
    strict = enrichment_of(tree, Path(other.address).stem)["n_candidates"].values
    loose = enrichment_of(tree, Path(first.address).stem)["n_candidates"].values
    assert (strict <= loose).all()
    assert (strict < loose).any()
    with pytest.raises(InputError, match="no enrichment-none; there is enrichment-"):
        enrichment_of(tree, "enrichment-none")


def test_results_do_not_depend_on_workers_or_on_the_other_studies(
    workspace: Workspace, tmp_path: Path
) -> None:
    run_enrichment(workspace)
    alone = make_workspace(tmp_path / "alone", studies=2)
    run_whole(alone)
    alone = Workspace(alone.root, replace(alone.config, enrich=workspace.config.enrich))
    run_enrichment(alone)
    many, few = (enrichment_of(open_compendium(w.root)) for w in (workspace, alone))
    for variable in TERM_STATISTICS:
        np.testing.assert_array_equal(
            few[variable.name].values, many[variable.name].sel(contrast=few["contrast"]).values
        )


def test_a_study_that_fails_is_not_testable_and_is_tried_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.stages import enrich_study

    make = enrich_study.make_enrichment

    def fail(task: EnrichTask) -> object:
        if task.study == "S1":
            raise MemoryError("out of memory")
        return make(task)

    monkeypatch.setattr(enrich_study, "make_enrichment", fail)
    done = run_enrichment(workspace)
    assert list(done.failed) == ["S1"]
    assert "out of memory" in done.failed["S1"]
    found = enrichment_of(open_compendium(workspace.root))
    of_failed = found["study"].values == "S1"
    assert {TESTABLE[int(c)] for c in found["testable"].values[of_failed].ravel()} == {"failed"}
    assert (found["label"].values[of_failed] == -1).all()
    assert (found["label"].values[~of_failed] >= 0).any()
    monkeypatch.undo()
    assert run_enrichment(workspace).failed == {}
    found = enrichment_of(open_compendium(workspace.root))
    assert (found["testable"].values < max(TESTABLE)).all()


def test_an_open_reader_keeps_what_it_opened(workspace: Workspace) -> None:
    before = open_compendium(workspace.root)
    content = content_hash(before)
    run_enrichment(workspace)
    assert content_hash(before) == content
    assert compendium_hash(workspace.root) != content


def test_a_damaged_part_or_shard_is_named_with_its_study_and_cure(workspace: Workspace) -> None:
    done = run_enrichment(workspace)
    shard = Path(done.address) / "fwer" / "c" / "0" / "0" / "0"
    part = next(workspace.local.path("parts/go/S1").glob("*.part"))
    for file, cure in ((shard, "dexome enrich --rebuild"), (part, "dexome enrich")):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.unlink()
        file.write_bytes(bytes(data))
        findings = examine(workspace.disk)[1]
        assert [(f.file, cure in f.cure) for f in findings] == [(str(file), True)]
        assert "S1" in findings[0].studies or "S0" in findings[0].studies
        if file == shard:
            with pytest.raises(StoreError, match="fwer/c/0/0/0 is damaged"):
                _ = enrichment_of(open_compendium(workspace.root))["fwer"].values
        else:
            with pytest.raises(StoreError, match="is damaged"):
                read_enrichment_part(workspace.disk, "S1", file.stem)
        data[len(data) // 2] ^= 1
        file.write_bytes(bytes(data))
    assert examine(workspace.disk)[1] == []


@pytest.mark.parametrize("what", ["zarr.json", "manifest", "no manifest"])
def test_damage_to_the_terms_hides_no_contrast_and_the_cure_that_is_told_mends_it(
    workspace: Workspace, what: str
) -> None:
    enriched = run_enrichment(workspace)
    store = Path(enriched.address)
    manifest = store.with_name(f"{store.stem}.manifest.json")
    if what == "no manifest":
        manifest.unlink()
    else:
        (manifest if what == "manifest" else store / "zarr.json").write_bytes(b"x")
    assert len(contrasts_of(open_compendium(workspace.root, beside=""))["contrast"]) == 4
    findings = examine(workspace.disk)[1]
    assert {finding.cure for finding in findings} == {"run `dexome enrich --rebuild`"}
    run_enrichment(workspace, rebuild=True)
    assert examine(workspace.disk)[1] == []
    assert len(enrichment_of(open_compendium(workspace.root))["contrast"]) == 4


def test_a_store_that_is_made_again_is_never_there_in_part(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    enriched = run_enrichment(workspace)
    store = Path(enriched.address)
    whole = sorted(path.relative_to(store) for path in store.rglob("*"))
    seen: list[bool] = []

    def look(kind: str, path: Path) -> None:
        del kind, path
        there = store.is_dir()
        seen.append(there)
        assert not there or sorted(p.relative_to(store) for p in store.rglob("*")) == whole

    monkeypatch.setattr(storage.disk, "step_hook", look)
    run_enrichment(workspace, rebuild=True)
    assert seen.count(False) <= 8, "it is away for a few steps, not while files are made durable"
    assert sorted(store.parent.glob(".*")) == []


def test_a_file_of_another_name_makes_no_store_anew(workspace: Workspace) -> None:
    assert run_enrichment(workspace).new
    assert workspace.config.enrich is not None
    annotation = workspace.config.enrich.annotation
    renamed = annotation.rename(annotation.with_name("renamed.tsv"))
    enrich = replace(workspace.config.enrich, annotation=renamed)
    again = Workspace(workspace.root, replace(workspace.config, enrich=enrich))
    assert not run_enrichment(again).new


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("HUMAN1\tT:01\n", "none of the genes of pairs.tsv is on the gene axis: 'HUMAN1' against"),
        ("Gene1\tT:99\n", "no term of pairs.tsv is in the ontology"),
        ("", "pairs.tsv is no annotation"),
    ],
)
def test_an_annotation_that_does_not_fit_is_refused(
    workspace: Workspace, pairs: str, message: str
) -> None:
    assert workspace.config.enrich is not None
    workspace.config.enrich.annotation.write_text(pairs)
    with pytest.raises(InputError, match=message):
        run_enrichment(workspace)


def test_a_gaf_of_another_organism_is_told_by_its_taxon(workspace: Workspace) -> None:
    assert workspace.config.enrich is not None
    row = ["DB", "id", "Gene1", "", "T:01", "ref", "EXP", "", "P", "", "", "protein", "taxon:9606"]
    text = "!gaf-version: 2.2\n" + "\t".join([*row, "20200101", "DB", "", ""]) + "\n"
    workspace.config.enrich.annotation.write_text(text)
    with pytest.raises(InputError, match="1 taxon 9606"):
        run_enrichment(workspace)


def test_without_a_compendium_or_a_setting_it_says_what_to_do(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    with pytest.raises(InputError, match=r"has no \[enrich\]; give it an annotation"):
        run_enrichment(workspace)
    with pytest.raises(InputError, match="no compendium yet; run `dexome run` first"):
        run_enrichment(with_terms(workspace, tmp_path))


def test_settings_that_can_not_be_are_refused() -> None:
    with pytest.raises(ValueError, match="random_sets must be at least 1"):
        EnrichSettings(random_sets=0)

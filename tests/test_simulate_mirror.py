"""The simulated mirror: the same bytes each time, and what DEE2 and GEO would have."""

import hashlib
import re
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from pipeline.simulate.files import FINISHED, UNFINISHED
from pipeline.simulate.mirror import write_mirror
from pipeline.simulate.project import MirrorRun, make_project
from pipeline.simulate.study import simulate_study
from pipeline.simulate.truth import read_truth
from pipeline.simulate.universe import make_universe
from pipeline.sources.archive import read_archive
from pipeline.sources.geo_file import read_geo
from pipeline.sources.geo_table import make_geo_samples
from pipeline.sources.project_table import read_project_table
from pipeline.sources.run_list import by_project, read_run_list
from storage.errors import InputError
from tests.support.fetched import SMALL


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mirror") / "mirror"
    write_mirror(path, SMALL)
    return path


def hashes(path: Path) -> dict[str, str]:
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def test_the_same_settings_give_the_same_bytes_and_a_finished_mirror_is_left_alone(
    mirror: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    write_mirror(again, SMALL)
    assert hashes(again) == hashes(mirror)
    (again / "truth" / FINISHED).rename(again / "truth" / UNFINISHED)
    bundle = next(again.rglob("*.zip"))
    bundle.write_bytes(b"cut")
    write_mirror(again, SMALL)
    assert hashes(again) == hashes(mirror)
    bundle.write_bytes(b"left alone")
    write_mirror(again, SMALL)
    assert bundle.read_bytes() == b"left alone"
    with pytest.raises(InputError, match="is not empty"):
        write_mirror(again, SMALL, bulk=False)


def test_every_list_tells_the_same_runs(mirror: Path) -> None:
    metadata = mirror / "dee2" / "metadata"
    cut, full = (
        by_project(read_run_list(metadata / f"mmusculus_metadata{ending}"))
        for ending in (".tsv.cut", ".tsv")
    )
    assert cut == full
    assert read_project_table(metadata / "mmusculus_srp.tsv").keys() == cut.keys()
    with h5py.File(mirror / "dee2" / "mx" / "mmusculus_se.h5") as file:
        names = {name.decode() for name in file["rownames"][:]}
    assert names == {run.run for runs in cut.values() for run in runs}


def test_archives_hold_the_simulated_counts_and_their_flags(mirror: Path) -> None:
    universe = make_universe(SMALL)
    bundles, requests = (
        sorted((mirror / "dee2" / folder).glob(pattern))
        for folder, pattern in (("huge/mmusculus", "*.zip"), ("cgi-bin", "request.sh*"))
    )
    assert len(bundles) + len(requests) == SMALL.n_studies
    assert requests
    by_run: dict[str, tuple[MirrorRun, npt.NDArray[np.int32]]] = {}
    for k in range(SMALL.n_studies):
        project = make_project(simulate_study(universe, k), k, SMALL.seed)
        by_run |= {r.accession: (r, c) for r, c in zip(project.runs, project.counts, strict=True)}
    for path in (*bundles, *requests):
        given = read_archive(path, "star")
        assert given.counts.ids == list(universe.genes.ids)
        assert given.counts.samples != sorted(given.counts.samples) or path in requests
        for run, counts in zip(given.counts.samples, given.counts.counts, strict=True):
            np.testing.assert_array_equal(counts, by_run[run][1])
            assert str(given.qc[run]) == by_run[run][0].qc


def test_both_formats_of_geo_tell_the_same_samples(mirror: Path) -> None:
    folders = sorted((mirror / "geo" / "series").glob("*/*"))
    assert len(folders) == SMALL.n_studies
    several = 0
    for folder in folders:
        assert re.fullmatch(r"GSE\d+nnn", folder.parent.name)
        files = sorted((folder / "matrix").glob("*.txt.gz"))
        several += len(files) > 1
        matrix = make_geo_samples(read_geo(path) for path in files)
        soft = make_geo_samples([read_geo(next((folder / "soft").glob("*.soft.gz")))])
        assert set(matrix.table.columns) == set(soft.table.columns)
        same = matrix.table.loc[soft.table.index, soft.table.columns]
        assert same.fillna("").equals(soft.table.fillna(""))
        assert matrix.experiments == soft.experiments
    assert several


def test_the_truth_has_the_names_of_the_mirror(mirror: Path) -> None:
    truth = read_truth(mirror)
    runs = by_project(read_run_list(mirror / "dee2" / "metadata" / "mmusculus_metadata.tsv"))
    assert set(truth.studies["study"]) == set(runs)
    assert set(truth.contrasts["study"]) <= set(runs)
    assert set(truth.samples["sample"]) == {r.geo_sample for of in runs.values() for r in of}

"""Writing simulated studies as a mirror of DEE2 and GEO: the same addresses, formats and habits."""

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from pipeline.simulate.dee2_text import (
    CUT,
    FULL,
    Reference,
    archive,
    bundle_name,
    listing,
    project_lines,
    run_list,
)
from pipeline.simulate.files import (
    begin_collection,
    finish_collection,
    genes_tsv,
    gzip_bytes,
    replacing,
    temporary,
    write_terms,
)
from pipeline.simulate.geo_text import family_soft, series_matrix
from pipeline.simulate.project import Project, as_project, make_project
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.study import simulate_study
from pipeline.simulate.truth_writer import TruthWriter, write_programs
from pipeline.simulate.universe import make_universe

SPECIES = "mmusculus"
MIN_BUNDLE_RUNS = 6  # DEE2 bundles projects of more than five runs
_CHUNK_RUNS = 10


def write_mirror(
    path: Path,
    settings: SimulationSettings,
    progress: Callable[[int, int], None] | None = None,
    *,
    bulk: bool = True,
) -> None:
    """Write `settings.n_studies` studies and their truth as a mirror.

    The same settings give the same bytes. A mirror that holds them already is left alone, one that was
    cut short with the same settings is written again.

    Parameters
    ----------
    path
        Holds `genes.tsv.gz`, `terms.obo`, `annotation.gaf.gz`, `truth/`, and the folders `dee2` and
        `geo` afterwards, each as below the address of its server.
    progress
        Called with the number of studies written and of all studies.
    bulk
        Write the bulk HDF5 file too.

    Raises
    ------
    InputError
        If `path` holds anything else.
    """
    if not begin_collection(path, settings, mirror=True, bulk=bulk):
        return
    universe = make_universe(settings)
    _write(path / "genes.tsv.gz", gzip_bytes(genes_tsv(universe.genes)))
    write_terms(path, universe)
    write_programs(path / "truth", universe.programs)
    mirror = MirrorWriter(path, Reference(universe.genes), bulk=bulk)
    with TruthWriter(path / "truth") as truth:
        for k in range(settings.n_studies):
            study = simulate_study(universe, k)
            project = make_project(study, k, settings.seed)
            mirror.add(project)
            truth.add(as_project(study, project), universe.tissues[study.layout.tissue])
            if progress is not None:
                progress(k + 1, settings.n_studies)
    mirror.finish()
    finish_collection(path)


class MirrorWriter:
    """Writes projects one after the other; their lists and the bulk file come at the end."""

    def __init__(self, path: Path, reference: Reference, *, bulk: bool = False) -> None:
        self._dee2, self._geo = path / "dee2", path / "geo"
        self._reference = reference
        self._bulk = _BulkWriter(self._dee2 / "mx", reference.ids) if bulk else None
        self._bundles: list[str] = []
        self._lines: dict[str, list[str]] = {name: [] for name in ("cut", "full", "projects")}

    def add(self, project: Project) -> None:
        """Write one project's archive and series."""
        # Runs stand in an order of their own, as in DEE2.
        order = sorted(
            (run.accession for run in project.runs), key=lambda run: zlib.crc32(run.encode())
        )
        if len(project.runs) >= MIN_BUNDLE_RUNS:
            name = bundle_name(project)
            data = archive(project, order, self._reference, bundle=True)
            _write(self._dee2 / "huge" / SPECIES / name, data)
            self._bundles.append(name)
        else:
            # What the server would answer, under the name that a mirroring tool gives it.
            kept = sorted(run.accession for run in project.runs if not run.qc.startswith("FAIL"))
            query = "".join(f"&x={run}" for run in kept)
            data = archive(project, kept, self._reference, bundle=False)
            _write(self._dee2 / "cgi-bin" / f"request.sh?org={SPECIES}{query}", data)
        if self._bulk is not None:
            self._bulk.add([run.accession for run in project.runs], project.counts)
        self._lines["cut"].append(run_list([project], CUT))
        self._lines["full"].append(run_list([project], FULL))
        self._lines["projects"].append(project_lines(project, 1))
        self._add_series(project)

    def finish(self) -> None:
        """Write the lists."""
        metadata = self._dee2 / "metadata"
        for name, columns, ending in (("cut", CUT, ".tsv.cut"), ("full", FULL, ".tsv")):
            text = "\t".join(columns) + "\n" + "".join(self._lines[name])
            _write(metadata / f"{SPECIES}_metadata{ending}", text.encode())
        _write(metadata / f"{SPECIES}_srp.tsv", "".join(self._lines["projects"]).encode())
        page = listing(self._bundles, f"/huge/{SPECIES}")
        _write(self._dee2 / "huge" / SPECIES / "index.html", page.encode())
        if self._bulk is not None:
            self._bulk.finish()

    def _add_series(self, project: Project) -> None:
        series = project.series
        folder = self._geo / "series" / re.sub(r"\d{1,3}$", "nnn", series) / series
        platforms = sorted(set(project.platforms))
        if len(platforms) == 1:
            matrices = {f"{series}_series_matrix.txt.gz": series_matrix(project)}
        else:
            matrices = {
                f"{series}-{platform}_series_matrix.txt.gz": series_matrix(project, platform)
                for platform in platforms
            }
        for name, text in matrices.items():
            _write(folder / "matrix" / name, gzip_bytes(text.encode()))
        page = listing(matrices, f"/geo/series/{series}/matrix")
        _write(folder / "matrix" / "index.html", page.encode())
        soft = gzip_bytes(family_soft(project).encode())
        _write(folder / "soft" / f"{series}_family.soft.gz", soft)


class _BulkWriter:
    """Writes the bulk HDF5 file: genes × runs as seen from here, in chunks of a few runs."""

    def __init__(self, folder: Path, genes: npt.NDArray[np.str_]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{SPECIES}_se.h5"
        self._genes = genes
        self._runs: list[str] = []
        self._file = h5py.File(temporary(self._path), "w")
        n = len(genes)
        self._matrix = self._file.create_dataset(
            "bigmatrix", (n, 0), "i4", maxshape=(n, None), chunks=(n, _CHUNK_RUNS),
            compression="gzip", compression_opts=1, shuffle=True,
        )  # fmt: skip

    def add(self, runs: list[str], counts: npt.NDArray[np.int32]) -> None:
        """Append runs, the rows of `counts`."""
        first = len(self._runs)
        self._runs += runs
        self._matrix.resize(len(self._runs), axis=1)
        self._matrix[:, first:] = counts.T

    def finish(self) -> None:
        """Write the names, and give the file its own."""
        self._file["rownames"] = self._runs
        self._file["colnames"] = [str(gene) for gene in self._genes]
        self._file.close()
        temporary(self._path).rename(self._path)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(data)

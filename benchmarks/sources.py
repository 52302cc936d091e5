"""What DEE2's files cost to read: an archive, the run list, the bulk file.

`python -m benchmarks.sources [--runs N]`; everything is simulated, in a temporary folder.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from benchmarks.report import Bar, best_cpu_s, format_table
from pipeline.simulate.dee2_text import CUT, Reference, archive
from pipeline.simulate.project import MirrorRun, Project
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.study import simulate_study
from pipeline.simulate.universe import make_universe
from pipeline.sources.archive import read_archive
from pipeline.sources.runs import sum_runs
from pipeline.sources.settings import Layer

N_GENES = 48_978
REPEATS = 5


def write_archive(path: Path, n_samples: int) -> dict[str, tuple[str, ...]]:
    """An archive of simulated counts, one run a sample; returns the runs of each sample."""
    universe = make_universe(SimulationSettings(n_genes=N_GENES))
    counts = np.concatenate([simulate_study(universe, k).counts for k in range(4)])
    counts = np.resize(counts, (n_samples, N_GENES))
    samples = [f"GSM{i}" for i in range(n_samples)]
    runs = tuple(MirrorRun(f"SRR{i}", samples[i], f"SRX{i}", "PASS") for i in range(n_samples))
    project = Project(
        accession="SRP1", series="GSE1", title="", organism="", taxid="", runs=runs, counts=counts,
        samples=pd.DataFrame(index=pd.Index(samples)), platforms=("GPL1",) * n_samples,
        sra_samples=tuple(samples), biosamples=tuple(samples),
    )  # fmt: skip
    names = [run.accession for run in runs]
    path.write_bytes(archive(project, names, Reference(universe.genes), bundle=True))
    return {run.sample: (run.accession,) for run in runs}


def read_and_sum(path: Path, runs: dict[str, tuple[str, ...]], layer: Layer) -> None:
    """What a worker does with an archive."""
    sum_runs(read_archive(path, layer).counts, runs)


def write_run_list(path: Path, n_runs: int) -> None:
    """A run list of projects of 31 runs, as the real one has."""
    with path.open("w") as file:
        file.write("\t".join(CUT) + "\n")
        for i in range(n_runs):
            project = i // 31
            title = f"GSM{i}: Replicate {i % 31} of a sample, treated for {i % 7} days; Mus musculus; RNA-Seq"
            file.write(f"SRR{i}\tPASS\tSRX{i}\tSRS{i}\tSRP{project}\t{title}\tGSE{project}\n")


def cost_of(code: str) -> tuple[float, float]:
    """CPU seconds and peak MB of a new process that runs a piece of code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    tail = "\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    done = subprocess.run(
        [sys.executable, "-c", code + tail], check=True, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, float(done.stdout.split()[-1])


def write_bulk(path: Path, n_runs: int) -> None:
    """A bulk file as R writes it: chunks of ten runs, compressed."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["rownames"] = [f"SRR{i}" for i in range(n_runs)]
        file["colnames"] = [f"ENSMUSG{i:011d}" for i in range(N_GENES)]
        matrix = file.create_dataset(
            "bigmatrix", (N_GENES, n_runs), "i4", chunks=(N_GENES, 10), compression="gzip",
            compression_opts=1, shuffle=True,
        )  # fmt: skip
        for first in range(0, n_runs, 100):
            means = rng.lognormal(0, 3, (N_GENES, 1))
            matrix[:, first : first + 100] = rng.poisson(means, (N_GENES, 100))


READ_LIST = """
from pathlib import Path
from pipeline.sources.run_list import by_project, read_run_list
projects = by_project(read_run_list(Path({path!r})))
assert sum(map(len, projects.values())) == {n}
"""
CUT_BULK = """
from pathlib import Path
from pipeline.fetch.bulk import BulkFile, cut_bulk
from pipeline.sources.receipt import RawFile
from storage.disk import Disk
path = Path({path!r})
bulk = BulkFile(RawFile(key=path.name, sha256=path.stem, size=0), is_text=False)
study_of = {{f"SRR{{i}}": f"SRP{{i // 31}}" for i in range({n})}}
cuts = cut_bulk(Disk(path.parent), bulk, study_of, lambda n_runs: None)
assert sum(len(cut.runs) for files in cuts.values() for cut in files) == {n}
"""


def measure(folder: Path, n_runs: int) -> list[Bar]:
    """The lines of the table."""
    path = folder / "bundle.zip"
    runs = write_archive(path, 12)
    star, kallisto = best_cpu_s(
        [partial(read_and_sum, path, runs, layer) for layer in ("star", "kallisto")], REPEATS
    )
    bars = [
        Bar(
            f"CPU, an archive of 12 samples × {N_GENES:,} genes parsed and summed",
            f"{star:.3f} s",
            "≤ 0.25 s",
            star <= 0.25,
        ),
        Bar("– the same, Kallisto's transcripts summed to genes", f"{kallisto:.3f} s"),
    ]
    listed = folder / "list.tsv.cut"
    write_run_list(listed, 350_000)
    cpu, peak = cost_of(READ_LIST.format(path=str(listed), n=350_000))
    bars += [
        Bar("CPU, run list of 350,000 runs, in a new process", f"{cpu:.1f} s", "≤ 5 s", cpu <= 5),
        Bar("– peak memory of that process", f"{peak:.0f} MB", "≤ 1 GB", peak <= 1000),
    ]
    for n in (n_runs, 4 * n_runs):
        bulk = folder / f"{n}.h5"
        write_bulk(bulk, n)
        cpu, peak = cost_of(CUT_BULK.format(path=str(bulk), n=n))
        size = bulk.stat().st_size / 1e6
        bars.append(
            Bar(
                f"peak memory, bulk file of {n:,} runs ({size:.0f} MB) cut by study in one pass",
                f"{peak:.0f} MB in {cpu:.1f} s of CPU",
                "≤ 600 MB",
                peak <= 600,
            )
        )
    return bars


def main() -> None:
    """Print the table; exit with 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="runs of the smaller bulk file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bars = measure(Path(folder), given.runs)
    print(format_table(bars))
    sys.exit(any(bar.met is False for bar in bars))


if __name__ == "__main__":
    main()

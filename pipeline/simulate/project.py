"""A study as DEE2 and GEO have it: accessions, runs of samples, flags, and what the submitter said."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.simulate.streams import Stream, make_generator
from pipeline.simulate.study import SimulatedStudy

# Numbers far above any that have been given out.
FIRST_PROJECT, FIRST_SERIES = 990_000_000, 99_000_000
FIRST_SAMPLE, FIRST_RUN = 9_900_000_000, 99_000_000_000
SAMPLES_OF_STUDY, RUNS_OF_SAMPLE = 1_000, 10

TWO_RUNS_SHARE = 0.25  # of studies: every sample was sequenced twice
FAILED_SHARE = 0.03  # of samples: a run more, which failed
WARNED_SHARE = 0.08  # of runs
FAILED_DEPTH = 0.01


@dataclass(frozen=True, slots=True)
class MirrorRun:
    """One run: of which sample, how DEE2 flags it, and its experiment."""

    accession: str
    sample: str
    experiment: str
    qc: str


@dataclass(frozen=True, slots=True)
class Project:
    """One project of DEE2, with its series in GEO.

    `runs` are the rows of `counts` (run, gene). `samples` is the sample table, indexed by GSM, with the
    submitter's columns; `platforms` (sample,) are GEO's. `biosamples` and `sra_samples` are by sample.
    """

    accession: str
    series: str
    title: str
    organism: str
    taxid: str
    runs: tuple[MirrorRun, ...]
    counts: npt.NDArray[np.int32]
    samples: pd.DataFrame
    platforms: tuple[str, ...]
    sra_samples: tuple[str, ...]
    biosamples: tuple[str, ...]


def project_accession(k: int) -> str:
    """Project of simulated study number `k`."""
    return f"SRP{FIRST_PROJECT + k}"


def make_project(study: SimulatedStudy, k: int, seed: int) -> Project:
    """Study number `k` as a project: some samples have two runs, some a failed one more."""
    rng = make_generator(seed, k, Stream.MIRROR)
    n = len(study.samples)
    first = k * SAMPLES_OF_STUDY
    names = [f"GSM{FIRST_SAMPLE + first + i}" for i in range(n)]
    experiments = [f"SRX{FIRST_SAMPLE + first + i}" for i in range(n)]
    twice = rng.random() < TWO_RUNS_SHARE
    runs: list[MirrorRun] = []
    counts: list[npt.NDArray[np.int32]] = []
    for i, of_sample in enumerate(study.counts):
        half = rng.binomial(of_sample, 0.5).astype(np.int32) if twice else of_sample
        parts = [half, of_sample - half] if twice else [of_sample]
        flags = ["WARN(3,4)" if rng.random() < WARNED_SHARE else "PASS" for _ in parts]
        if rng.random() < FAILED_SHARE:
            parts.append(rng.binomial(of_sample, FAILED_DEPTH).astype(np.int32))
            flags.append("FAIL(1,5)")
        for j, (part, flag) in enumerate(zip(parts, flags, strict=True)):
            accession = f"SRR{FIRST_RUN + (first + i) * RUNS_OF_SAMPLE + j}"
            runs.append(MirrorRun(accession, names[i], experiments[i], flag))
            counts.append(part)
    samples = study.samples.copy()
    samples.index = pd.Index(names, name="sample")
    two_platforms = k % 10 == 3
    return Project(
        accession=project_accession(k),
        series=f"GSE{FIRST_SERIES + k}",
        title=f"Simulated {study.layout.kind} study {k}",
        organism="Mus musculus",
        taxid="10090",
        runs=tuple(runs),
        counts=np.stack(counts),
        samples=samples,
        platforms=tuple("GPL17021" if two_platforms and i % 2 else "GPL24247" for i in range(n)),
        sra_samples=tuple(f"SRS{FIRST_SAMPLE + first + i}" for i in range(n)),
        biosamples=tuple(f"SAMN{FIRST_SAMPLE + first + i}" for i in range(n)),
    )


def as_project(study: SimulatedStudy, project: Project) -> SimulatedStudy:
    """The study under the names of its project, for the truth."""
    name = project.accession
    contrasts = tuple(replace(contrast, study=name) for contrast in study.contrasts)
    return replace(study, name=name, contrasts=contrasts, samples=project.samples)

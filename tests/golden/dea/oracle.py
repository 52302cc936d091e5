"""R's answers: those kept as goldens, and live ones where R is at hand."""

import gzip
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.dea.arrays import Floats
from pipeline.dea.design import Contrast, Design, make_design
from pipeline.dea.settings import DeaSettings

FOLDER = Path(__file__).parent
TYPES = {"f8": "<f8", "i4": "<i4", "u1": "u1"}


@dataclass(frozen=True)
class Golden:
    """One gzipped file of `make_goldens.R`: its keys, and its arrays as float64."""

    keys: dict[str, str]
    arrays: dict[str, Floats]


@dataclass(frozen=True)
class Study:
    """A simulated study."""

    counts: Floats
    design: Design
    contrasts: tuple[Contrast, ...]


def read_golden(name: str) -> Golden:
    raw = gzip.decompress((FOLDER / f"{name}.gz").read_bytes())
    head, _, body = raw.partition(b"\n\n")
    keys, arrays, at = {}, {}, 0
    for line in head.decode().splitlines():
        if line.startswith("# "):
            key, _, value = line[2:].partition(" ")
            keys[key] = value
            continue
        array, kind, length = line.split()
        values = np.frombuffer(body, TYPES[kind], int(length), at)
        at += values.nbytes
        arrays[array] = values.astype(np.float64)
    return Golden(keys, arrays)


def case_names() -> list[str]:
    """Names of the goldens: design-method, then what is special."""
    names = sorted(path.name[:-3] for path in FOLDER.glob("d*.gz"))
    return [name for name in names if not name.endswith(".counts")]


def read_study(name: str) -> Study:
    golden = read_golden(f"{name}.counts")
    keys = {key: value.split(",") for key, value in golden.keys.items()}
    design = make_design(
        keys["group"], {"batch": keys["batch"]} if "batch" in keys else None, keys.get("block")
    )
    contrasts = tuple(
        Contrast(test=test, reference=reference)
        for test, reference in (pair.split("-") for pair in keys["contrasts"])
    )
    # R's counts are (gene, sample), and were transposed to be written gene by gene.
    counts = golden.arrays["counts"].reshape(-1, design.n_samples).T.copy()
    return Study(counts, design, contrasts)


def settings_of(golden: Golden) -> DeaSettings:
    """R's own way, with what the golden says."""
    keys = golden.keys
    return DeaSettings(
        method="trend" if keys["method"] == "trend" else "voom",
        filter="none" if keys["filter"] == "none" else "expressed",
        tested="study",
        deviations="exact" if keys["exact"] == "1" else "parity",
        span=float(keys["span"]),
        robust=keys["robust"] == "1",
        sample_weights=keys["weights"] == "1",
    )


def why_no_r() -> str:
    """Why R can't be asked; empty if it can."""
    if shutil.which("Rscript") is None:
        return "Rscript is not installed"
    script = "for (p in c('limma', 'edgeR', 'statmod')) library(p, character.only = TRUE)"
    asked = subprocess.run(["Rscript", "-e", script], capture_output=True, check=False)
    return "" if asked.returncode == 0 else "R has no limma, edgeR or statmod"


def ask_r(
    folder: Path,
    study: Study,
    settings: DeaSettings,
    *,
    least_logfc: float = 0.0,
    exact: bool = False,
) -> dict[str, Floats]:
    """limma's and edgeR's numbers for a study; `folder` takes the files between."""
    write_study(folder, study, settings, least_logfc=least_logfc, exact=exact)
    subprocess.run(["Rscript", str(FOLDER / "oracle.R"), str(folder)], check=True)
    return {path.stem[2:]: np.fromfile(path, "<f8") for path in folder.glob("R_*.f64")}


def write_study(
    folder: Path,
    study: Study,
    settings: DeaSettings,
    *,
    least_logfc: float = 0.0,
    exact: bool = False,
) -> None:
    """Write a study as oracle.R takes it."""
    if isinstance(settings.span, str):
        raise ValueError("R needs the span as a number")
    design = study.design
    vectors = np.array([design.vector(contrast) for contrast in study.contrasts])
    arrays = {
        "counts": study.counts,
        "design": design.matrix[:, design.kept].T,
        "contrasts": vectors[:, design.kept],
    }
    if design.block_role == "random":
        arrays["block"] = design.block.astype(np.float64)
    for name, values in arrays.items():
        np.ascontiguousarray(values, dtype="<f8").tofile(folder / f"{name}.f64")
    spec = {
        "n_samples": design.n_samples,
        "method": settings.method,
        "filter": settings.filter,
        "robust": int(settings.robust),
        "weights": int(settings.sample_weights),
        "span": settings.span,
        "lfc": least_logfc,
        "exact": int(exact),
    }
    (folder / "spec.txt").write_text("".join(f"{key}={value}\n" for key, value in spec.items()))

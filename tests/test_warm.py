"""Kernels that are warm: no study compiles one."""

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib import import_module
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest
from numba.core.registry import CPUDispatcher

import pipeline.dea
import pipeline.enrich
from pipeline.dea.design import Contrast, make_design
from pipeline.dea.settings import DeaSettings, Method, Tested
from pipeline.dea.study import analyse_study
from pipeline.warm import warm_analysis, warm_enrichment
from pipeline.workspace import Workspace
from tests.support.whole_run import run_enrichment, run_whole
from tests.support.workspaces import make_workspace, write_terms

ROOT = Path(__file__).parents[1]
# Of the driver, where an annotation is read.
OF_THE_DRIVER = "pipeline.enrich.gene_sets._join"
METHODS: tuple[Method, ...] = ("voom", "trend")
TESTED: tuple[Tested, ...] = ("contrast", "study")


def kernels() -> dict[str, Any]:
    """Every kernel of the statistics, by its name."""
    modules = [
        import_module(found.name)
        for package in (pipeline.dea, pipeline.enrich)
        for found in iter_modules(package.__path__, f"{package.__name__}.")
    ]
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, CPUDispatcher) and value.py_func.__module__ == module.__name__
    }


def signatures() -> set[tuple[str, str]]:
    """What of the kernels is compiled in this process, by their names and types."""
    return {
        (name, str(types))
        for name, kernel in kernels().items()
        if name != OF_THE_DRIVER
        for types in kernel.signatures
    }


def compiled_by_studies(root: Path) -> set[tuple[str, str]]:
    """What studies and their terms compile in this process once it is warm."""
    warm_analysis()
    warm_enrichment()
    warm = signatures()
    assert warm
    base = make_workspace(root, studies=3)
    workspace = Workspace(base.root, replace(base.config, enrich=write_terms(root)))
    run_whole(workspace)
    run_enrichment(workspace)
    rng = np.random.default_rng(1)
    counts = rng.negative_binomial(5, 0.02, (8, 5000)).astype(np.float64)
    counts[:, :50] = 0
    for block, method, tested, robust, weights in product(
        (None, list("aabbccdd")),
        METHODS,
        TESTED,
        (False, True),
        (False, True),
    ):
        design = make_design(list("xxxyyyxy"), block=block)
        settings = DeaSettings(method=method, tested=tested, robust=robust, sample_weights=weights)
        analyse_study(counts, design, [Contrast(test="y", reference="x")], settings)
    return signatures() - warm


def test_no_study_compiles_a_kernel_once_a_process_is_warm(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(compiled_by_studies, tmp_path).result() == set()


@pytest.mark.slow
def test_what_an_image_has_compiled_no_process_compiles_again(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def files() -> dict[str, int]:
        return {str(p): p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}

    command = [sys.executable, "-m", "pipeline.warm"]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    made = files()
    assert len(made) > 40
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    assert files() == made

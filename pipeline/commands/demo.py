"""The command that shows it all: simulate a small mirror, run the whole job on it, ask it questions."""

import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import xarray as xr

from pipeline.commands.demo_truth import recover_terms, recover_truth
from pipeline.commands.options import ClusterOption, JsonOption
from pipeline.commands.output import echo_json, echo_table
from pipeline.commands.query import as_shown
from pipeline.commands.stages import echo_summary, run_all
from pipeline.config import CONFIG_NAME
from pipeline.sources.settings import SourceConfig
from pipeline.workspace import create_workspace, open_workspace
from storage.open import contrasts_of, open_compendium
from storage.query import top_contrasts, top_genes
from storage.query_terms import query_contrast_terms, top_enriched
from storage.schema import CONTRAST

SIMULATED = "simulated"
WORKSPACE = "workspace"


def demo(
    directory: Annotated[Path, typer.Argument(help="Folder for the demo.")] = Path("demo"),
    studies: Annotated[int, typer.Option(min=1, help="How many studies to simulate.")] = 24,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 0,
    cluster: ClusterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a mirror of DEE2 and GEO with known truth, make its compendium, and show what it tells."""
    from pipeline.simulate.mirror import write_mirror
    from pipeline.simulate.settings import SimulationSettings
    from pipeline.simulate.truth import read_truth

    started = time.perf_counter()
    settings = SimulationSettings(n_studies=studies, seed=seed)
    typer.echo(
        f"simulating a mirror of DEE2 and GEO with {studies} studies of {settings.n_genes} genes in "
        f"{directory / SIMULATED}",
        err=True,
    )
    simulated = (directory / SIMULATED).resolve()
    write_mirror(simulated, settings, bulk=False)
    root = directory / WORKSPACE
    if not (root / CONFIG_NAME).exists():
        source = SourceConfig(kind="dee2", dee2=str(simulated / "dee2"), geo=str(simulated / "geo"))
        create_workspace(
            root,
            simulated / "genes.tsv.gz",
            source,
            ontology=simulated / "terms.obo",
            annotation=simulated / "annotation.gaf.gz",
        )
    summary = run_all(open_workspace(root), cluster)
    tree = open_compendium(root)
    truth = read_truth(directory / SIMULATED)
    found, terms = recover_truth(tree, truth), recover_terms(tree, truth)
    seconds = time.perf_counter() - started
    if as_json:
        echo_json({**summary, **asdict(found), "terms": asdict(terms)})
        return
    echo_summary(summary)
    _show_queries(tree, root)
    typer.echo(f"\n{found.in_words()}\n{terms.in_words()}")
    typer.echo(f"\nall of it took {seconds:.0f} s. Next:")
    for command in _next_commands(tree, root):
        typer.echo(f"  {command}")


def _show_queries(tree: xr.DataTree, root: Path) -> None:
    contrast, gene = _example(tree)
    typer.echo(f"\n$ dexome query contrast '{contrast}' --top 5 -w {root}")
    echo_table(as_shown(top_genes(tree, contrast, 5)))
    typer.echo(f"\n$ dexome query gene {gene} --top 5 -w {root}")
    echo_table(as_shown(top_contrasts(tree, gene, 5)))
    typer.echo(f"\n$ dexome query contrast '{contrast}' --terms --top 5 -w {root}")
    echo_table(as_shown(top_enriched(query_contrast_terms(tree, contrast), 5)))


def _next_commands(tree: xr.DataTree, root: Path) -> list[str]:
    address = tree.attrs["address"]
    contrast, _ = _example(tree)
    # As it can be typed here: the command may not be on the path, nor its python.
    program = Path("dexome" if shutil.which("dexome") else sys.argv[0])
    return [
        f"{program} query contrast '{contrast}' --all --out contrast.tsv -w {root}",
        f"{program} doctor -w {root}",
        f"{program.with_name('python')} -c \"import xarray; print(xarray.open_zarr('{address}'))\"",
    ]


def _example(tree: xr.DataTree) -> tuple[str, str]:
    """The contrast with the most significant gene, and that gene."""
    contrasts = contrasts_of(tree)
    p: Any = contrasts["neg_log10_p"].values
    row, column = np.unravel_index(np.nanargmax(p), p.shape)
    return str(contrasts.indexes[CONTRAST][int(row)]), str(contrasts["symbol"].values[column])

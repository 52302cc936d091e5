"""The command that shows it all: simulate a small mirror, run the whole job on it, ask it questions."""

import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
import xarray as xr

from pipeline.commands.demo_truth import recover_terms, recover_truth
from pipeline.commands.options import ClusterOption, JsonOption
from pipeline.commands.output import echo_json, echo_table
from pipeline.commands.query import as_shown
from pipeline.commands.run_all import run_all
from pipeline.commands.stages import echo_summary
from pipeline.config import CONFIG_NAME
from pipeline.exit_codes import EXIT_INTERRUPTED
from pipeline.simulate.settings import MAX_STUDIES, SEED_LIMIT, SimulationSettings
from pipeline.sources.settings import SourceConfig
from pipeline.workspace import create_workspace, open_workspace
from storage.open import contrasts_of, open_compendium
from storage.query import top_contrasts, top_genes
from storage.query_terms import query_contrast_terms, top_enriched
from storage.schema import CONTRAST

if TYPE_CHECKING:
    from pipeline.commands.demo_models import Comparison

SIMULATED = "simulated"
WORKSPACE = "workspace"


def demo(
    directory: Annotated[Path, typer.Argument(help="Folder for the demo.")] = Path("demo"),
    studies: Annotated[
        int, typer.Option(min=1, max=MAX_STUDIES, help="How many studies to simulate.")
    ] = 24,
    seed: Annotated[
        int, typer.Option(min=0, max=SEED_LIMIT - 1, help="Seed of the simulation.")
    ] = 0,
    cluster: ClusterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a mirror of DEE2 and GEO with known truth, make its compendium, and show what it tells."""
    from pipeline.commands.demo_models import SETTINGS, compare_models
    from pipeline.simulate.mirror import write_mirror
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
            more=SETTINGS,
        )
    opened = open_workspace(root)
    summary = run_all(opened, cluster)
    if summary.get("stopped"):
        raise typer.Exit(EXIT_INTERRUPTED)
    tree = open_compendium(root)
    truth = read_truth(directory / SIMULATED)
    found, terms = recover_truth(tree, truth), recover_terms(tree, truth)
    models = compare_models(opened, summary["learned"], tree) if _has_model(summary) else None
    seconds = time.perf_counter() - started
    if as_json:
        told = {**summary, **asdict(found), "terms": asdict(terms)}
        echo_json(told if models is None else {**told, "models": models.lines})
        return
    echo_summary({key: value for key, value in summary.items() if key != "learned"})
    _show_queries(tree, root)
    typer.echo(f"\n{found.in_words()}\n{terms.in_words()}")
    if models is None:
        why = summary.get("failed", "there is no [train] in its dexome.toml")
        typer.echo(f"\nno model: {why}\nA demo of more --studies has one.")
    else:
        _show_models(models, root)
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


def _has_model(summary: dict[str, Any]) -> bool:
    """Whether a model was trained and scored: it takes some studies more than the smallest demos have."""
    return "evaluation" in summary.get("learned", {})


def _show_models(models: "Comparison", root: Path) -> None:
    typer.echo(
        f"\n$ dexome run -w {root}   # with [train] in dexome.toml: four models on held-out studies"
    )
    echo_table(models.table)
    typer.echo(f"{models.in_words()}\n")
    typer.echo(f"figures of the latent codes: {models.figures['figures']}")
    typer.echo(f"  coloured by {models.figures['coloured_by']}")


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

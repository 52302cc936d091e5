"""Figures of a model's latent codes, below models/NAME/figures, and what they were drawn from."""

import json
from typing import Any

from model.figures.canvas import KINDS
from model.figures.codes import GROUPS, TermColours, draw_codes
from model.figures.layouts import MIN_CONTRASTS, pca_layout, tsne_layout
from model.figures.write_figure import write_figure
from model.recipe import MODELS
from pipeline.workspace import Workspace
from storage.compile_latent import CODES, latent_store
from storage.errors import InputError
from storage.files import Files
from storage.generation import list_enrichments, read_current, read_manifest
from storage.open import open_compendium
from storage.query_terms import term_labels
from storage.schema import CONTRAST

_LAYOUTS = {"codes-pca": pca_layout, "codes-tsne": tsne_layout}


def draw_code_figures(opened: Workspace, name: str, term: str) -> dict[str, Any]:
    """Draw the published codes of a model by PCA and t-SNE, coloured by a term where there is one.

    Returns
    -------
    fields
        `figures`, their folder, and `coloured_by`: the term with the number of contrasts of each label, or
        why they are of one colour, or why there is none.
    """
    disk, local = opened.disk, opened.local
    tree = open_compendium(opened.disk)
    latent = tree[latent_store(name).removesuffix(".zarr")].to_dataset()
    codes = latent[CODES.name].values
    folder = _folder(name)
    if len(codes) < MIN_CONTRASTS:
        why = f"{len(codes)} contrasts are too few for figures; it takes {MIN_CONTRASTS}"
        return {"figures": None, "coloured_by": why}
    colours, told = None, ""
    try:
        colours = TermColours(*term_labels(tree, term, latent.indexes[CONTRAST].tolist()))
        counts = ", ".join(f"{(colours.label == label).sum()} {word}" for label, word, _ in GROUPS)
        told = f"{colours.term}: {counts}"
    except InputError as error:
        told = f"nothing: {error}"
    for figure, layout in _LAYOUTS.items():
        drawn = draw_codes(layout(codes), colours, f"Latent codes of model {name}")
        write_figure(local, f"{folder}/{figure}", drawn)
    local.put(
        f"{folder}/codes.json",
        json.dumps({"drawn_from": _sources(disk, name), "coloured_by": told}, indent=1).encode(),
    )
    return {"figures": local.address(folder), "coloured_by": told}


def find_code_figures(opened: Workspace, name: str) -> dict[str, Any] | None:
    """What `draw_code_figures` returned, if its figures are there and nothing they show has changed."""
    disk, local, folder = opened.disk, opened.local, _folder(name)
    files = [f"{folder}/{figure}.{kind}" for figure in _LAYOUTS for kind in KINDS]
    try:
        told = json.loads(local.read(f"{folder}/codes.json") or b"")
        known = told["drawn_from"] == _sources(disk, name)
        coloured_by = str(told["coloured_by"])
    except (ValueError, KeyError, TypeError):
        return None
    if not known or not all(local.path(file).is_file() for file in files):
        return None
    return {"figures": local.address(folder), "coloured_by": coloured_by}


def _folder(name: str) -> str:
    return f"{MODELS}/{name}/figures"


def _sources(disk: Files, name: str) -> dict[str, Any]:
    """What figures are drawn from: the codes, and the enrichments of their generation."""
    current = read_current(disk)
    assert current is not None
    manifest = read_manifest(disk, current.generation, store=latent_store(name))
    return {"codes": manifest.inputs, "enrichments": list_enrichments(disk, current.generation)}

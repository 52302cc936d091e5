"""Which of the enrichments of a compendium a question means."""

import json
from dataclasses import asdict
from pathlib import Path

import xarray as xr

from pipeline.config import CONFIG_NAME, EnrichConfig
from pipeline.workspace import open_workspace
from storage.errors import DexomeError
from storage.hashing import hash_file


def terms_store(tree: xr.DataTree, workspace: Path) -> str | None:
    """The newest enrichment made with the files and tests of the workspace's `[enrich]`; None: none is."""
    if not (workspace / CONFIG_NAME).is_file():
        return None
    enrich = open_workspace(workspace).config.enrich
    if enrich is None:
        return None
    try:
        wanted = _told(enrich)
    except (OSError, DexomeError):
        # The files have gone; what was made of them is still there to be asked.
        return None
    found = [
        name
        for name, node in tree.children.items()
        if name.startswith("enrichment-") and {key: node.attrs.get(key) for key in wanted} == wanted
    ]
    return max(found, key=lambda name: str(tree[name].attrs.get("published_at")), default=None)


def _told(enrich: EnrichConfig) -> dict[str, str]:
    """What a store of these settings says of itself, but for what only its making finds out."""
    return {
        "annotation_sha256": hash_file(enrich.annotation),
        "ontology_sha256": hash_file(enrich.ontology) if enrich.ontology else "",
        "relations": enrich.relations.value,
        "tests": json.dumps(asdict(enrich.tests), sort_keys=True),
    }

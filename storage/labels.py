"""The groups and labels of a contrasts store: everything in it that is not a matrix."""

from collections.abc import Mapping, Sequence
from typing import Any

import zarr
from zarr.abc.store import Store

from storage.genes import GeneList
from storage.layout import FILL, Layout, create_matrix, write_labels
from storage.schema import (
    CONTRAST,
    CONTRAST_COLUMNS,
    GENE,
    GENE_COLUMNS,
    SAMPLE,
    SAMPLE_COLUMNS,
    SAMPLES_GROUP,
    STATISTICS,
    STUDIES_GROUP,
    STUDY,
    STUDY_COLUMNS,
    STUDY_STATISTICS,
    Variable,
)

GROUPS = {"": STATISTICS, STUDIES_GROUP: STUDY_STATISTICS, SAMPLES_GROUP: ()}


def create_skeleton(
    store: Store,
    shapes: Mapping[str, tuple[int, int]],
    attributes: Mapping[str, Any],
    layout: Layout,
) -> None:
    """Create groups and matrices, without values."""
    for group, variables in GROUPS.items():
        own = {**attributes, **coordinates(CONTRAST_COLUMNS + GENE_COLUMNS)} if group == "" else {}
        zarr.create_group(store, path=group, attributes=own)
        for variable in variables:
            path = f"{group}/{variable.name}".lstrip("/")
            create_matrix(store, path, variable, shapes[group], layout)


def write_all_labels(
    store: Store,
    genes: GeneList,
    contrasts: Sequence[Mapping[str, Any]],
    studies: Sequence[Mapping[str, Any]],
    samples: Sequence[Mapping[str, Any]],
) -> None:
    """Write every one-dimensional array; a value that a row lacks becomes the fill value."""
    gene = _index(GENE, "Ensembl gene id without version")
    write_labels(store, GENE, gene, genes.ids)
    write_labels(store, f"{STUDIES_GROUP}/{GENE}", gene, genes.ids)
    for variable, known in zip(GENE_COLUMNS, (genes.symbols, genes.biotypes), strict=True):
        write_labels(store, variable.name, variable, known)
    for group, index, columns, rows in (
        (
            "",
            _index(CONTRAST, "STUDY:test_vs_reference, levels percent-escaped"),
            CONTRAST_COLUMNS,
            contrasts,
        ),
        (STUDIES_GROUP, _index(STUDY, "study accession or folder name"), STUDY_COLUMNS, studies),
        (
            SAMPLES_GROUP,
            _index(SAMPLE, "sample name, unique within its study"),
            SAMPLE_COLUMNS,
            samples,
        ),
    ):
        for variable in (index, *columns):
            values = [row.get(variable.name, FILL[variable.dtype]) for row in rows]
            missing = FILL[variable.dtype]
            filled = [missing if value is None else value for value in values]
            write_labels(store, f"{group}/{variable.name}".lstrip("/"), variable, filled)


def coordinates(variables: Sequence[Variable]) -> dict[str, str]:
    """xarray's convention for which arrays label the others."""
    return {"coordinates": " ".join(variable.name for variable in variables)}


def _index(name: str, long_name: str) -> Variable:
    return Variable(name, (name,), "string", "1", long_name)

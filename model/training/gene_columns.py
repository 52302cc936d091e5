"""The genes that a network sees: which columns of the training copy, and how they are standardised."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from storage.errors import InputError


@partial(jax.tree_util.register_dataclass, data_fields=["index", "shift", "scale"], meta_fields=[])
@dataclass(frozen=True, slots=True)
class GeneColumns:
    """(columns,) arrays on the device; a padding column has an index beyond the last gene.

    A value x of gene `index` becomes (x − shift) × scale.
    """

    index: jax.Array
    shift: jax.Array
    scale: jax.Array


def make_gene_columns(
    shift: np.ndarray, scale: np.ndarray, selected: np.ndarray, *, multiple_of: int = 1
) -> GeneColumns:
    """The selected genes, padded to a multiple of the devices that share the gene axis.

    Raises
    ------
    InputError
        No gene is selected.
    """
    check_genes(selected)
    index = np.flatnonzero(selected)
    padding = -index.size % multiple_of
    return GeneColumns(
        jnp.asarray(np.r_[index, np.full(padding, len(selected))], jnp.int32),
        jnp.asarray(np.r_[shift[index], np.zeros(padding)], jnp.float32),
        jnp.asarray(np.r_[scale[index], np.ones(padding)], jnp.float32),
    )


def check_genes(selected: np.ndarray) -> None:
    """Refuse to learn from no gene at all."""
    if not selected.any():
        raise InputError(
            "no gene is selected: none is tested in enough training contrasts; lower min_contrasts and "
            "min_studies of [prepare.genes], or choose contrasts of studies that measured the same genes"
        )


def full_axis(
    columns: GeneColumns, places: np.ndarray, n_genes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shift, scale and selection of all genes of a copy; those of `columns` are at `places`, ascending."""
    shift, scale = np.zeros(n_genes, np.float32), np.zeros(n_genes, np.float32)
    selected = np.zeros(n_genes, np.bool_)
    shift[places] = np.asarray(columns.shift)[: len(places)]
    scale[places] = np.asarray(columns.scale)[: len(places)]
    selected[places] = True
    return shift, scale, selected


def standardise(raw: jax.Array, columns: GeneColumns) -> tuple[jax.Array, jax.Array]:
    """Raw rows to (rows, columns) float32, 0 where not observed, and where they are observed."""
    picked = jnp.take(raw, columns.index, axis=1, mode="fill", fill_value=jnp.nan)
    x = (picked.astype(jnp.float32) - columns.shift) * columns.scale
    observed = ~jnp.isnan(x)
    return jnp.where(observed, x, 0), observed


def standardise_se(raw_se: jax.Array, columns: GeneColumns) -> jax.Array:
    """Raw standard errors in units of the gene's scale, NaN where there is none."""
    picked = jnp.take(raw_se, columns.index, axis=1, mode="fill", fill_value=jnp.nan)
    return picked.astype(jnp.float32) * columns.scale

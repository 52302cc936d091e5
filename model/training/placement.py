"""Where arrays lie: rows over devices, the gene axis over devices, or both."""

from collections.abc import Sequence

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from model.networks.autoencoder import Autoencoder
from model.training.gene_columns import GeneColumns
from model.training.step import Batch

DATA, GENE = "data", "gene"


def make_mesh(n_data: int, n_gene: int, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """`n_data` × `n_gene` devices: copies that share the rows, each cut along the gene axis."""
    found = list(devices if devices is not None else jax.devices())
    if n_data * n_gene > len(found):
        raise ValueError(
            f"{n_data} × {n_gene} devices are asked for, and there are {len(found)}; lower n_data or n_gene"
        )
    return Mesh(np.array(found[: n_data * n_gene]).reshape(n_data, n_gene), (DATA, GENE))


def place_network(net: Autoencoder, mesh: Mesh) -> None:
    """Cut the parameters along the gene axis; make the optimiser afterwards, and its state lies alike."""
    for chain in (net.encoder, net.decoder, net.skip_in, net.skip_out):
        for layer in () if chain is None else chain.layers:
            at_end = layer.bias.shape[0] == net.n_columns and layer.gene_axis == 1
            _place(layer.bias, mesh, *([GENE] if at_end else []))
            if layer.kernel is not None:
                axes = {0: (GENE, None), 1: (None, GENE), None: ()}[layer.gene_axis]
                _place(layer.kernel, mesh, *axes)


def place_columns(columns: GeneColumns, mesh: Mesh) -> GeneColumns:
    """Each device gets the labels of its own genes."""
    placed: GeneColumns = jax.device_put(columns, _sharding(mesh, GENE))
    return placed


def place_batch(batch: Batch, mesh: Mesh) -> Batch:
    """Each copy gets its share of the rows, whole."""
    n = mesh.shape[DATA]
    if batch.row_weight.shape[0] % n:
        raise ValueError(
            f"batch_size {batch.row_weight.shape[0]} is not a multiple of the {n} devices that share it"
        )
    placed: Batch = jax.device_put(batch, _sharding(mesh, DATA))
    return placed


def _sharding(mesh: Mesh, *axes: str | None) -> NamedSharding:
    return NamedSharding(mesh, PartitionSpec(*axes))


def _place(parameter: nnx.Param[jax.Array], mesh: Mesh, *axes: str | None) -> None:
    parameter.set_value(jax.device_put(parameter[...], _sharding(mesh, *axes)))

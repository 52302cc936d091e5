"""Where arrays lie: rows over devices, the gene axis over devices, or both."""

from contextlib import AbstractContextManager, nullcontext

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from model.networks.autoencoder import Autoencoder
from model.recipe import Devices
from model.training.gene_columns import GeneColumns
from model.training.step import Batch
from storage.errors import InputError

DATA, GENE = "data", "gene"


def mesh_of(devices: Devices) -> Mesh | None:
    """The mesh of these settings; None: a single device."""
    return None if devices == Devices() else make_mesh(devices.rows, devices.genes)


def make_mesh(n_rows: int, n_genes: int) -> Mesh:
    """`n_rows` × `n_genes` devices: copies that share the rows, each cut along the gene axis.

    Raises
    ------
    InputError
        There are fewer.
    """
    found = jax.devices()
    if n_rows * n_genes > len(found):
        raise InputError(
            f"rows = {n_rows} and genes = {n_genes} of [train.devices] ask for {n_rows * n_genes} devices, "
            f"and there are {len(found)}; lower them"
        )
    return Mesh(np.array(found[: n_rows * n_genes]).reshape(n_rows, n_genes), (DATA, GENE))


def made_on_host(mesh: Mesh | None) -> AbstractContextManager[None]:
    """While inside, arrays are made in the host's memory: no device of a mesh need hold a whole network."""
    if mesh is None:
        return nullcontext()
    context: AbstractContextManager[None] = jax.default_device(jax.local_devices(backend="cpu")[0])
    return context


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
    placed: Batch = jax.device_put(batch, _sharding(mesh, DATA))
    return placed


def _sharding(mesh: Mesh, *axes: str | None) -> NamedSharding:
    return NamedSharding(mesh, PartitionSpec(*axes))


def _place(parameter: nnx.Param[jax.Array], mesh: Mesh, *axes: str | None) -> None:
    parameter.set_value(jax.device_put(parameter[...], _sharding(mesh, *axes)))

"""Where a network starts that starts as a model already: at principal components."""

import logging
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from model.baselines.matrix import Floats, Matrix
from model.baselines.observed_pca import (
    ObservedPcaSettings,
    fit_observed_pca,
    observed_pca_bytes,
)
from model.baselines.pca import PcaSettings, fit_pca, pca_bytes
from model.networks.autoencoder import Autoencoder
from model.networks.settings import CodeTooWideError, NetworkSettings
from model.training.interrupt import StopAskedError
from model.training.loop import Data, validate
from model.training.placement import made_on_host, place_columns, place_network
from model.training.settings import TrainSettings

log = logging.getLogger(__name__)

# Components to start from need not be found to the last digit.
START = ObservedPcaSettings(tolerance=1e-4, iterations=30)


def check_start(network: NetworkSettings, n_rows: int, n_genes: int) -> None:
    """Refuse a code of more components than so many training rows and genes have."""
    most = min(n_rows - 1, n_genes)
    if network.initial == "pca" and network.code > most:
        raise CodeTooWideError(
            f"code {network.code} is more than the {most} principal components of {n_rows} training "
            f"contrasts and {n_genes} genes; in [train.network], set code = {max(most, 1)} at most, or "
            'initial = "random"'
        )


def start_bytes(network: NetworkSettings, n_rows: int, n_genes: int) -> int:
    """Bytes on the host that finding the start takes, at most."""
    if network.initial != "pca":
        return 0
    return max(
        pca_bytes(n_rows, n_genes, network.code, _pca_settings()),
        observed_pca_bytes(n_rows, n_genes, network.code, START),
    )


def start_at_components(
    net: Autoencoder,
    training: Matrix,
    data: Data,
    settings: TrainSettings,
    stop: Callable[[], bool],
) -> None:
    """Start at the principal components, of all entries or of observed ones, that validate better.

    Those of observed entries are the better ones, unless there are few rows for the rank and much is missing.

    Raises
    ------
    StopAskedError
        `stop` said so before the end: the network is as it was, or at either start.
    """
    rank = net.settings.code
    log.info("finding %d principal components to start from", rank)
    matrix = _Interruptible(training, stop)
    zeros = fit_pca(matrix, rank, _pca_settings())
    observed = fit_observed_pca(matrix, rank, START, start=zeros)
    columns = data.columns if data.mesh is None else place_columns(data.columns, data.mesh)
    losses = []
    starts = (observed.components, zeros.projection.components)
    for components in starts:
        _start_at(net, components, data.mesh)
        losses.append(validate(net, data, columns, settings, stop))
    _start_at(net, starts[int(np.argmin(losses))], data.mesh)


def _start_at(net: Autoencoder, components: Floats, mesh: Mesh | None) -> None:
    with made_on_host(mesh):
        net.start_at(jnp.asarray(components))
    if mesh is not None:
        place_network(net, mesh)


def _pca_settings() -> PcaSettings:
    return PcaSettings(budget_gib=START.budget_gib)


class _Interruptible:
    """A matrix that is not read any further once the end is asked for."""

    def __init__(self, matrix: Matrix, stop: Callable[[], bool]) -> None:
        self._matrix = matrix
        self._stop = stop

    @property
    def shape(self) -> tuple[int, int]:
        return self._matrix.shape

    def read(self, rows: slice, genes: slice) -> Floats:
        if self._stop():
            raise StopAskedError
        return self._matrix.read(rows, genes)

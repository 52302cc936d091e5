"""Where a network starts that starts as a model already: at principal components."""

import logging
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from model.baselines.matrix import Floats, Matrix
from model.baselines.observed_pca import ObservedPcaSettings, fit_observed_pca
from model.baselines.pca import fit_pca
from model.networks.autoencoder import Autoencoder
from model.networks.settings import NetworkSettings
from model.training.interrupt import StopAskedError
from model.training.loop import Data, validate
from model.training.settings import TrainSettings
from storage.errors import InputError

log = logging.getLogger(__name__)

# Components to start from need not be found to the last digit.
START = ObservedPcaSettings(tolerance=1e-4, iterations=30)


def check_start(network: NetworkSettings, n_rows: int, n_genes: int) -> None:
    """Refuse a code of more components than so many training rows and genes have."""
    most = min(n_rows - 1, n_genes)
    if network.initial == "pca" and network.code > most:
        raise InputError(
            f"code {network.code} is more than the {most} principal components of {n_rows} training "
            f"contrasts and {n_genes} genes; in [train.network], set code = {max(most, 1)} at most, or "
            'initial = "random"'
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
    zeros = fit_pca(matrix, rank)
    observed = fit_observed_pca(matrix, rank, START, start=zeros)
    losses = []
    starts = [jnp.asarray(c) for c in (observed.components, zeros.projection.components)]
    for components in starts:
        net.start_at(components)
        losses.append(validate(net, data, data.columns, settings, stop))
    net.start_at(starts[int(np.argmin(losses))])


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

"""Where a network starts that starts as a model already: at principal components."""

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from model.baselines.matrix import Floats, Matrix
from model.baselines.observed_pca import (
    ObservedFit,
    ObservedPca,
    ObservedPcaSettings,
    begin_observed,
    go_on,
    observed_pca_bytes,
)
from model.baselines.pca import Pca, PcaSettings, fit_pca, pca_bytes
from model.networks.autoencoder import Autoencoder
from model.networks.settings import CodeTooWideError, NetworkSettings
from model.training.interrupt import StopAskedError
from model.training.loop import Data, validate
from model.training.placement import made_on_host, place_columns, place_network
from model.training.settings import TrainSettings

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


@dataclass(frozen=True, slots=True)
class Starts:
    """Components to start from: with 0 for what is missing, and of observed entries, whose fit can go on."""

    zeros: Pca
    observed: ObservedPca
    fit: ObservedFit


def find_starts(
    training: Matrix, rank: int, stop: Callable[[], bool] = lambda: False, *, seed: int = 0
) -> Starts:
    """The components of this rank that a network may start at.

    Raises
    ------
    StopAskedError
        `stop` said so before the end.
    """
    matrix = _Interruptible(training, stop)
    zeros = fit_pca(matrix, rank, _pca_settings(seed))
    fit = begin_observed(matrix, zeros, START)
    return Starts(zeros, go_on(fit, START), fit)


def start_at_best(
    net: Autoencoder, starts: Starts, data: Data, settings: TrainSettings, stop: Callable[[], bool]
) -> None:
    """Start at the principal components, of all entries or of observed ones, that validate better.

    Those of observed entries are the better ones, unless there are few rows for the rank and much is missing.

    Raises
    ------
    StopAskedError
        `stop` said so before the end: the network is at either start.
    """
    columns = data.columns if data.mesh is None else place_columns(data.columns, data.mesh)
    losses = []
    candidates = (starts.observed.components, starts.zeros.projection.components)
    for components in candidates:
        _start_at(net, components, data.mesh)
        losses.append(validate(net, data, columns, settings, stop))
    _start_at(net, candidates[int(np.argmin(losses))], data.mesh)


def _start_at(net: Autoencoder, components: Floats, mesh: Mesh | None) -> None:
    with made_on_host(mesh):
        net.start_at(jnp.asarray(components))
    if mesh is not None:
        place_network(net, mesh)


def _pca_settings(seed: int = 0) -> PcaSettings:
    return PcaSettings(budget_gib=START.budget_gib, seed=seed)


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

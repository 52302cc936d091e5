"""What a training will take: parameters, memory, bytes and steps; and whether it fits."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from model.networks.autoencoder import count_parameters
from model.networks.settings import CodeTooWideError, NetworkSettings
from model.recipe import Devices
from model.training.settings import TrainSettings
from storage.errors import InputError

_FLOAT = 4
# Copies of the parameters: themselves, Adam's two means, and the gradients; while saving, up to three more.
_STATE = 4
_STATE_SAVING = 7
# Arrays of (batch, genes) float32 that a step keeps: input, masks, output, error and their gradients.
_BATCH_ARRAYS = 8
# The interpreter with JAX and its compiler.
PROCESS_BYTES = 1_500_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """Sizes of a training before it starts. Memory is in bytes; host memory is beside the devices'.

    `state_bytes` (parameters, gradients, optimiser) and `activation_bytes` are those of each of `n_devices`;
    a resident copy lies on the first. `start_bytes` is what finding the principal components takes, before
    the optimiser is there; 0: the training does not begin with them.
    """

    parameters: int
    n_devices: int
    state_bytes: int
    activation_bytes: int
    resident_bytes: int
    saving_bytes: int
    loader_bytes: int
    start_bytes: int
    epoch_bytes: int
    steps_per_epoch: int
    epochs: int

    @property
    def device_bytes(self) -> int:
        """Memory of a device: of the first, where there are several."""
        return self.state_bytes + self.activation_bytes + self.resident_bytes

    @property
    def host_bytes(self) -> int:
        """Memory of the host beside that of the devices: at the start, or while a checkpoint is saved."""
        return max(self.saving_bytes + self.loader_bytes, self.start_bytes) + PROCESS_BYTES

    @property
    def starts_largest(self) -> bool:
        """Whether the host's memory is largest at the start."""
        return self.start_bytes > self.saving_bytes + self.loader_bytes

    @property
    def total_bytes(self) -> int:
        """Memory of devices and host together, where devices have the host's: at the start, or later."""
        start = self.n_devices * self.state_bytes // _STATE + self.start_bytes
        steps = self.n_devices * (self.state_bytes + self.activation_bytes)
        later = steps + self.saving_bytes + self.loader_bytes
        return max(start, later) + self.resident_bytes + PROCESS_BYTES


def estimate_training(
    network: NetworkSettings,
    fit: TrainSettings,
    devices: Devices,
    *,
    n_columns: int,
    n_training: int,
    n_validation: int,
    row_bytes: int,
    resident_bytes: int,
    loader_bytes: int,
    start_bytes: int,
) -> Estimate:
    """Sizes of a training on `n_columns` genes.

    Parameters
    ----------
    row_bytes
        Bytes of one row of the copy, of all arrays that the loss needs.
    resident_bytes
        Bytes of the copy on the device; 0 where it is streamed.
    loader_bytes
        Bytes of the loader's buffers on the host.
    start_bytes
        Bytes on the host that finding the start takes.
    """
    parameters = count_parameters(network, n_columns)
    # Of its own genes; what belongs to no gene is on every device.
    columns = -(-n_columns // devices.genes)
    rows = -(-fit.batch_size // devices.rows)
    hidden = sum(network.encoder) + network.code + sum(network.decoder)
    passes = 1 + network.fill_passes
    return Estimate(
        parameters=parameters,
        n_devices=devices.rows * devices.genes,
        state_bytes=_STATE * _FLOAT * count_parameters(network, columns),
        activation_bytes=rows * (columns * _BATCH_ARRAYS + 3 * hidden) * _FLOAT * passes,
        resident_bytes=resident_bytes,
        saving_bytes=(_STATE_SAVING - _STATE) * _FLOAT * parameters,
        loader_bytes=loader_bytes,
        start_bytes=start_bytes,
        epoch_bytes=0 if resident_bytes else (n_training + n_validation) * row_bytes,
        steps_per_epoch=-(-n_training // fit.batch_size),
        epochs=fit.epochs,
    )


def check_fits(
    estimate: Estimate,
    *,
    device_bytes: int | None,
    host_bytes: int,
    shared: bool,
    n_devices: int = 1,
) -> None:
    """Refuse what cannot fit, with the setting to change.

    Parameters
    ----------
    device_bytes
        Memory of a device; None where it is not known.
    shared
        The device's memory is the host's, as on a CPU.
    n_devices
        Devices that there are.

    Raises
    ------
    InputError
        It does not fit; `CodeTooWideError` where only a smaller network would.
    """
    if shared:
        _check(estimate, lambda e: e.total_bytes, host_bytes, "this machine", 1)
        return
    _check(estimate, lambda e: e.host_bytes, host_bytes, "this machine", 1)
    if device_bytes is not None:
        where = "each device" if estimate.n_devices > 1 else "the device"
        _check(estimate, lambda e: e.device_bytes, device_bytes, where, n_devices)


def _check(
    estimate: Estimate,
    needed: Callable[[Estimate], int],
    available: int,
    where: str,
    n_devices: int,
) -> None:
    """Refuse an estimate that needs more than is available, with the first cure that is enough."""
    if needed(estimate) <= available:
        return
    told = (
        f"the training needs {needed(estimate) / 2**30:.1f} GiB of {where}, which has "
        f"{available / 2**30:.1f} free ({estimate.parameters:,} parameters)"
    )
    # Were all devices to share the gene axis.
    state, activation = (
        size * estimate.n_devices // max(n_devices, estimate.n_devices)
        for size in (estimate.state_bytes, estimate.activation_bytes)
    )
    cures = (
        ({"resident_bytes": 0}, "set memory_gib = 0 in [train], so that the copy is streamed"),
        ({"start_bytes": 0}, 'set initial = "random" in [train.network]'),
        (
            {"activation_bytes": estimate.activation_bytes // 8},
            "lower batch_size in [train.fit]",
        ),
        (
            {"state_bytes": state, "activation_bytes": activation},
            f"set rows = 1 and genes = {n_devices} in [train.devices], so that they share the gene axis",
        ),
    )
    for change, cure in cures:
        if needed(replace(estimate, **change)) <= available:
            raise InputError(f"{told}; {cure}")
    raise CodeTooWideError(
        f"{told}; lower code in [train.network], or select fewer genes in [prepare.genes]"
    )

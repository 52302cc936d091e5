"""What a training will take: parameters, memory, bytes and steps; and whether it fits."""

from dataclasses import dataclass

from model.networks.autoencoder import count_parameters
from model.networks.settings import NetworkSettings
from model.training.settings import TrainSettings
from storage.errors import InputError

_FLOAT = 4
# Copies of the parameters: themselves, Adam's two means, and the gradients; while saving, up to three more.
_STATE = 4
_STATE_SAVING = 7
# Arrays of (batch, genes) float32 that a step keeps: input, masks, output, error and their gradients.
_BATCH_ARRAYS = 8
# The interpreter with JAX and its compiler.
_PROCESS_BYTES = 1_500_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """Sizes of a training before it starts. Memory is in bytes; host memory is beside the device's."""

    parameters: int
    state_bytes: int
    activation_bytes: int
    resident_bytes: int
    saving_bytes: int
    loader_bytes: int
    epoch_bytes: int
    steps_per_epoch: int
    epochs: int

    @property
    def device_bytes(self) -> int:
        """Memory of the device."""
        return self.state_bytes + self.activation_bytes + self.resident_bytes

    @property
    def host_bytes(self) -> int:
        """Memory of the host beside that of the device."""
        return self.saving_bytes + self.loader_bytes + _PROCESS_BYTES


def estimate_training(
    network: NetworkSettings,
    fit: TrainSettings,
    *,
    n_columns: int,
    n_training: int,
    n_validation: int,
    row_bytes: int,
    resident_bytes: int,
    loader_bytes: int,
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
    """
    parameters = count_parameters(network, n_columns)
    hidden = sum(network.encoder) + network.code + sum(network.decoder)
    passes = 1 + network.fill_passes
    batch = fit.batch_size * (n_columns * _BATCH_ARRAYS + 3 * hidden) * _FLOAT * passes
    return Estimate(
        parameters=parameters,
        state_bytes=_STATE * _FLOAT * parameters,
        activation_bytes=batch,
        resident_bytes=resident_bytes,
        saving_bytes=(_STATE_SAVING - _STATE) * _FLOAT * parameters,
        loader_bytes=loader_bytes,
        epoch_bytes=0 if resident_bytes else (n_training + n_validation) * row_bytes,
        steps_per_epoch=-(-n_training // fit.batch_size),
        epochs=fit.epochs,
    )


def check_fits(
    estimate: Estimate, *, device_bytes: int | None, host_bytes: int, shared: bool
) -> None:
    """Refuse what cannot fit, with the setting to change.

    Parameters
    ----------
    device_bytes
        Memory of the device; None where it is not known.
    shared
        The device's memory is the host's, as on a CPU.

    Raises
    ------
    InputError
        It does not fit.
    """
    needed, available, where = estimate.device_bytes, device_bytes, "the device"
    if shared:
        needed, available, where = needed + estimate.host_bytes, host_bytes, "this machine"
    elif estimate.host_bytes > host_bytes:
        raise InputError(_refusal(estimate, estimate.host_bytes, host_bytes, "this machine"))
    if available is not None and needed > available:
        raise InputError(_refusal(estimate, needed, available, where))


def _refusal(estimate: Estimate, needed: int, available: int, where: str) -> str:
    short = needed - available
    if estimate.resident_bytes >= short:
        cure = "set memory_gib = 0 in [train], so that the copy is streamed"
    elif estimate.activation_bytes - estimate.activation_bytes // 8 >= short:
        cure = "lower batch_size in [train.fit]"
    else:
        cure = "lower code in [train.network], or select fewer genes in [prepare.genes]"
    return (
        f"the training needs {needed / 2**30:.1f} GiB of {where}, which has {available / 2**30:.1f} free "
        f"({estimate.parameters:,} parameters); {cure}"
    )

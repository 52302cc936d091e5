"""What the bits of a training depend on beside its settings: device, versions, flags; and how to fix them."""

import importlib.metadata
import os

import jax

from storage.errors import InputError

DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
_FLAGS = "XLA_FLAGS"


def make_deterministic() -> None:
    """Have XLA choose only operations whose sums have one order on a GPU; slower there, nothing on a CPU.

    Raises
    ------
    InputError
        JAX has begun to compute in this process: it reads its flags once.
    """
    flags = os.environ.get(_FLAGS, "")
    if DETERMINISTIC in flags.split():
        return
    # There is no public way to ask.
    if jax._src.xla_bridge.backends_are_initialized():
        raise InputError(f"JAX runs already; set {_FLAGS}={DETERMINISTIC} before it is started")
    os.environ[_FLAGS] = f"{flags} {DETERMINISTIC}".strip()


def describe_environment() -> dict[str, str | int | bool]:
    """Device, versions, threads, flags: trainings that share them have the same losses, to the last bit."""
    device = jax.devices()[0]
    flags = os.environ.get(_FLAGS, "")
    return {
        "device": device.device_kind,
        "platform": device.platform,
        "devices": jax.device_count(),
        "jax": jax.__version__,
        "jaxlib": importlib.metadata.version("jaxlib"),
        "threads": len(os.sched_getaffinity(0)),
        "xla_flags": flags,
        "deterministic": device.platform == "cpu" or DETERMINISTIC in flags.split(),
    }

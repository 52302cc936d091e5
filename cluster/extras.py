"""Packages that only some kinds of cluster need."""

import importlib
import signal
from types import ModuleType

from cluster.profile import ClusterError


def import_extra(module: str, extra: str, kind: str) -> ModuleType:
    """Import a package that an extra of the installation brings; what Ctrl-C does stays as it was.

    Raises
    ------
    ClusterError
        It is not installed; the message names the extra.
    """
    # dask_jobqueue has Ctrl-C end the process in silence, with the code of success, once it is imported.
    on_ctrl_c = signal.getsignal(signal.SIGINT)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0].replace("_", "-")
        raise ClusterError(
            f"kind = \"{kind}\" needs the package {package}: pip install 'dexome[{extra}]'"
        ) from error
    finally:
        if signal.getsignal(signal.SIGINT) is not on_ctrl_c:
            signal.signal(signal.SIGINT, on_ctrl_c)

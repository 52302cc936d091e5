"""Packages that only some kinds of cluster need."""

import importlib
from types import ModuleType

from cluster.profile import ClusterError


def import_extra(module: str, extra: str, kind: str) -> ModuleType:
    """Import a package that an extra of the installation brings.

    Raises
    ------
    ClusterError
        It is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0].replace("_", "-")
        raise ClusterError(
            f"kind = \"{kind}\" needs the package {package}: pip install 'dexome[{extra}]'"
        ) from error

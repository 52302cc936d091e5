"""Which split a command works on: the one that is named, or that of the settings."""

from dataclasses import asdict

from pipeline.prepare.settings import PAPER, PrepareSettings
from pipeline.workspace import Workspace
from storage.compile_split import split_store
from storage.hashing import hash_json
from storage.split import Split, read_split

# Bump when the same settings and generation give another split.
PREPARE_VERSION = 1


def split_name(settings: PrepareSettings) -> str:
    """Name of the store of the split that these settings make, in every generation."""
    return split_store(hash_json([PREPARE_VERSION, asdict(settings)])[:12])


def choose_split(opened: Workspace, store: str | None, preset: str | None = None) -> Split:
    """The split called `store` of the newest generation; without a name, that of the settings in `[prepare]`.

    With the preset "paper" that of the paper's settings comes first, where it is there.

    Raises
    ------
    InputError
        There is no such split.
    """
    names = [split_name(opened.config.prepare)]
    if preset == "paper":
        names.append(split_name(PAPER))
    return read_split(opened.disk, store, preferred=names[::-1])

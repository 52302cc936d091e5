"""Options that commands share."""

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path,
    typer.Option(
        "--workspace", "-w", help="Folder that holds dexome.toml.", show_default="this folder"
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="Profile [cluster.NAME] of dexome.toml.",
        show_default="the only one there, else this machine",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
TakeOverOption = Annotated[
    bool,
    typer.Option(
        "--take-over", help="Take the workspace from a driver on another host that is dead."
    ),
]
RebuildOption = Annotated[
    bool,
    typer.Option("--rebuild", help="Publish anew from the parts, even if nothing changed."),
]
ModelArgument = Annotated[str, typer.Argument(help="Name of the model: a folder below models/.")]
SplitOption = Annotated[
    str | None,
    typer.Option(help="Name of the split store.", show_default="that of the settings in [prepare]"),
]
PartOption = Annotated[
    str | None,
    typer.Option(
        "--part",
        metavar="J/N",
        help="Only share J of N of the studies, in this process: one job of an array.",
        show_default="all",
    ),
]
HERE = Path()

"""The command that codes a compendium with a model, and draws the codes."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.options import (
    HERE,
    JsonOption,
    ModelArgument,
    SplitOption,
    TakeOverOption,
    WorkspaceOption,
)
from pipeline.commands.output import echo_fields, echo_json
from pipeline.workspace import Workspace, open_workspace
from storage.generation import FOLDER, is_published
from storage.hashing import hash_json
from storage.lease import Lease

# JAX is imported when it is needed: `dexome --help` should not wait for it.
if TYPE_CHECKING:
    from pipeline.commands.trained_model import TrainedModel

# What the paper coloured by: intracellular anatomical structure.
PAPER_TERM = "GO:0005622"


def embed(
    name: ModelArgument,
    workspace: WorkspaceOption = HERE,
    split: SplitOption = None,
    term: Annotated[
        str, typer.Option(help="Term, by id or name, that colours the figures.")
    ] = PAPER_TERM,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> None:
    """Code every contrast of the newest compendium, into latent-NAME.zarr beside it; draw the codes."""
    from pipeline.commands.code_figures import draw_code_figures
    from pipeline.commands.trained_model import find_model

    opened = open_workspace(workspace)
    trained = find_model(opened, name, split)
    with Lease(opened.disk, take_over=take_over) as lease:
        fields = publish_codes(opened, trained, lease)
    fields |= draw_code_figures(opened, name, term)
    if as_json:
        echo_json(fields)
    else:
        echo_fields({key: str(value) for key, value in fields.items()})


def publish_codes(
    opened: Workspace, trained: "TrainedModel", lease: Lease, *, again: bool = True
) -> dict[str, Any]:
    """Publish the latent codes of all contrasts; without `again` only if they are not there.

    Raises
    ------
    LockedError
        The lease was lost: nothing was published.
    """
    import numpy as np

    from model.baselines.copy_matrix import CopyMatrix
    from model.baselines.matrix import row_blocks
    from storage.compile_latent import LatentContent, latent_store, publish_latent

    task, checkpoint = trained.task, trained.checkpoint
    generation, store = task.split.generation, latent_store(trained.name)
    inputs = hash_json([checkpoint.fingerprint, task.copy.manifest.key])
    fields = {
        "store": opened.disk.address(f"{FOLDER}/{generation}/{store}"),
        "contrasts": task.copy.n_rows,
        "code": task.recipe.network.code,
    }
    if not again and is_published(opened.disk, generation, store, inputs):
        return {**fields, "new": False}
    matrix = CopyMatrix(task.copy, np.arange(task.copy.n_rows), task.scaling)
    coder = trained.load()
    codes = np.concatenate([coder.encode(x) for _, x in row_blocks(matrix)])
    study = dict(zip(task.split.contrasts.tolist(), task.split.studies.tolist(), strict=True))
    content = LatentContent(
        model=trained.name,
        checkpoint=checkpoint.path.name,
        generation=generation,
        model_generation=checkpoint.identity.generation,
        contrasts=task.copy.contrasts,
        studies=[study[contrast] for contrast in task.copy.contrasts],
        codes=codes,
        inputs=inputs,
    )
    publish_latent(opened.disk, content, lease)
    return {**fields, "new": True}

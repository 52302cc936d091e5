"""A model beside its baselines at the same rank, on the same entries of held-out contrasts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from model.baselines.copy_matrix import CopyMatrix
from model.baselines.matrix import Floats, Matrix, row_blocks
from model.baselines.observed_pca import ObservedPcaSettings, go_on
from model.baselines.projection import mean_only, random_projection
from model.evaluation.intervals import Interval, r2_gain, r2_interval
from model.evaluation.recall import sign_asymmetry, top_gene_recall
from model.evaluation.scores import Scores
from model.fit_model import start_of
from model.judge import (
    HEIGHT,
    HIDDEN_SHARE,
    Coder,
    held_out,
    reference_of,
    score_hidden,
    score_visible,
    unknown_rows,
)
from model.networks.autoencoder import Autoencoder
from model.start import find_starts
from model.task import Task
from model.training.checkpoints import Checkpoint, restore_into
from model.training.step import code_step
from storage.errors import InputError

# Bump when the same model and split give other scores, or more of them.
EVALUATION_VERSION = 5


UNTRAINED = "the start, untrained"
# Names of the baselines whose components a network may start at.
STARTS = ("PCA, zeros for missing", "PCA, observed entries")


class NetworkCoder:
    """A trained network as a coder; blocks are filled up, so that one shape is compiled."""

    def __init__(self, net: Autoencoder) -> None:
        self.net = net

    @classmethod
    def restored(cls, task: Task, checkpoint: Checkpoint) -> "NetworkCoder":
        """The network of a checkpoint."""
        n_genes = int(task.scaling.mask.sum())
        padding = -n_genes % task.recipe.devices.genes
        net = Autoencoder(task.recipe.network, n_genes, seed=0, n_columns=n_genes + padding)
        restore_into(checkpoint, net=net)
        return cls(net)

    def encode(self, x: Floats) -> Floats:
        """(rows, code): latent codes."""
        return self._run(x)[0]

    def reconstruct(self, x: Floats) -> Floats:
        return self._run(x)[1]

    def _run(self, x: Floats) -> tuple[Floats, Floats]:
        filled = np.full((max(HEIGHT, len(x)), self.net.n_columns), np.nan, np.float32)
        filled[: len(x), : x.shape[1]] = x
        z, y = code_step(self.net, jnp.asarray(filled))
        return np.asarray(z)[: len(x)], np.asarray(y)[: len(x), : x.shape[1]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of the table: a model, and what it reaches on the held-out contrasts.

    `hidden_r2` is R² of entries that its input did not have; `recall` and `asymmetry` are means over
    contrasts, each with its weight; `gain` is R² less that of the best PCA.
    """

    model: str
    rank: int
    mse: float
    r2: Interval
    hidden_r2: float
    recall: float
    asymmetry: float
    gain: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """What models reach on held-out contrasts: the table, and the scores of each model behind it.

    `contrasts` and `studies` label the rows of the scores, `genes` their columns. `left_out` contrasts of the
    part are not scored: they fitted the model.
    """

    lines: list[Line]
    scores: dict[str, Scores]
    contrasts: list[str]
    studies: list[str]
    genes: list[str]
    left_out: int


@dataclass(frozen=True, slots=True)
class Coders:
    """A model and its baselines by name, each with its rank; `pca` says how the components were found."""

    by_name: dict[str, tuple[int, Coder]]
    pca: str


def make_coders(task: Task, model: Coder, *, seed: int = 0) -> Coders:
    """The model and its baselines, fitted on the training rows.

    A model that started at principal components has that start beside it: what training made is the rest.

    Raises
    ------
    InputError
        No contrast that the model was trained on is there any more.
    """
    if not len(task.training):
        raise InputError(
            f"none of the contrasts that {task.folder.name} was trained on is in {task.split.generation}, so "
            "no baseline can be fitted beside it; train another model"
        )
    training = CopyMatrix(task.copy, task.training, task.scaling)
    n_rows, n_genes = training.shape
    rank = task.recipe.network.code
    found: dict[str, tuple[int, Coder]] = {"model": (rank, model)}
    allowed = min(rank, n_rows - 1, n_genes)
    starts = find_starts(training, allowed, seed=seed) if allowed >= 1 else None
    # By its validation contrasts the start was chosen of two.
    as_trained = task.recipe.network.initial == "pca" and allowed == rank and len(task.validation)
    if starts is not None and as_trained:
        found[UNTRAINED] = (rank, NetworkCoder(start_of(task, starts)))
    found["mean"] = (0, mean_only(reference_of(task)))
    within = min(rank, n_genes)
    found["random"] = (within, random_projection(np.zeros(n_genes, np.float32), within, seed))
    if starts is None:
        return Coders(found, "none: there are too few rows")
    pca, observed = starts.zeros, go_on(starts.fit, ObservedPcaSettings())
    found |= zip(STARTS, ((allowed, pca.projection), (allowed, observed)), strict=True)
    found["PCA, shrunken"] = (allowed, pca.shrunken())
    return Coders(found, pca.told())


def score_beside_baselines(
    task: Task,
    part: str,
    coders: Mapping[str, tuple[int, Coder]],
    *,
    n_top: int = 100,
    hidden: float = HIDDEN_SHARE,
    seed: int = 0,
) -> Evaluation:
    """Each coder, by name and with its rank, on a part; `gain` is over the best PCA.

    Raises
    ------
    InputError
        The part has no contrast, or none that did not fit the model.
    """
    whole, chosen = task.split.rows(part), unknown_rows(task, part)
    if not len(whole):
        raise InputError(f"the split has no {part} contrast; give [prepare.split] other shares")
    if not len(chosen):
        raise InputError(
            f"all {len(whole)} {part} contrasts of {task.split.store} fitted the model; name the split that "
            "it was trained on by --split"
        )
    rows = held_out(task, chosen)
    centre = (task.scaling.shift * task.scaling.scale)[task.scaling.mask]
    studies = list(rows.studies)
    visible = {name: score_visible(coder, rows) for name, (_, coder) in coders.items()}
    unseen = {name: score_hidden(coder, rows, hidden, seed) for name, (_, coder) in coders.items()}
    pcas = [name for name in coders if name.startswith("PCA")]
    best = max(pcas, key=lambda name: visible[name].r2) if pcas else "mean"
    lines = [
        Line(
            model=name,
            rank=of_rank,
            mse=visible[name].mse,
            r2=r2_interval(visible[name], studies, seed=seed),
            hidden_r2=unseen[name].r2,
            recall=_mean(
                (top_gene_recall(x, coder.reconstruct(x), n_top) for x in _rows(rows.matrix)),
                rows.weight,
            ),
            asymmetry=_mean(
                (_asymmetry(coder, x, centre) for x in _rows(rows.matrix)), rows.weight
            ),
            gain=r2_gain(visible[name], visible[best], studies, seed=seed),
        )
        for name, (of_rank, coder) in coders.items()
    ]
    mask = task.scaling.mask
    return Evaluation(
        lines=lines,
        scores=visible,
        contrasts=task.split.contrasts[chosen].tolist(),
        studies=studies,
        genes=[gene for gene, in_it in zip(task.copy.genes, mask, strict=True) if in_it],
        left_out=len(whole) - len(chosen),
    )


def _rows(matrix: Matrix) -> Iterator[Floats]:
    for _, x in row_blocks(matrix, HEIGHT):
        yield x


def _asymmetry(coder: Coder, x: Floats, centre: Floats) -> Floats:
    """Of standardised rows, their genes centred at `centre`: read the other way they are −x − 2 `centre`."""
    forward, backward = coder.reconstruct(x), coder.reconstruct(-x - 2 * centre)
    return sign_asymmetry(forward + centre, backward + centre)


def _mean(blocks: Iterator[Floats], weight: Floats) -> float:
    """Mean over rows, each with its weight, of those that are not NaN."""
    values = np.concatenate(list(blocks))
    there = ~np.isnan(values)
    return float(np.average(values[there], weights=weight[there])) if there.any() else float("nan")

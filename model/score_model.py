"""A model beside its baselines at the same rank, on the same entries of held-out contrasts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import jax.numpy as jnp
import numpy as np

from model.baselines.copy_matrix import CopyMatrix
from model.baselines.matrix import Floats, Matrix, row_blocks
from model.baselines.observed_pca import ObservedPcaSettings, fit_observed_pca
from model.baselines.pca import PcaSettings, fit_pca
from model.baselines.projection import mean_only, random_projection
from model.evaluation.intervals import Interval, r2_gain, r2_interval
from model.evaluation.recall import hide_entries, sign_asymmetry, top_gene_recall
from model.evaluation.scores import Scores, join_scores, score
from model.fit_model import Task
from model.networks.autoencoder import Autoencoder
from model.scaling import Scaling
from model.training.checkpoints import Checkpoint, restore_into
from model.training.step import code_step
from storage.errors import InputError
from storage.split import Split

HEIGHT = 128
# Bump when the same model and split give other scores, or more of them.
EVALUATION_VERSION = 1


class Coder(Protocol):
    """What reconstructs standardised rows, NaN where not observed."""

    def reconstruct(self, x: Floats) -> Floats:
        """(rows, genes) values to codes and back."""


class NetworkCoder:
    """A trained network as a coder; blocks are filled up, so that one shape is compiled."""

    def __init__(self, net: Autoencoder) -> None:
        self.net = net

    @classmethod
    def restored(cls, task: Task, checkpoint: Checkpoint) -> "NetworkCoder":
        """The network of a checkpoint."""
        net = Autoencoder(task.recipe.network, int(task.scaling.mask.sum()), seed=0)
        restore_into(checkpoint, net=net)
        return cls(net)

    def encode(self, x: Floats) -> Floats:
        """(rows, code): latent codes."""
        return self._run(x)[0]

    def reconstruct(self, x: Floats) -> Floats:
        return self._run(x)[1]

    def _run(self, x: Floats) -> tuple[Floats, Floats]:
        filled = np.full((max(HEIGHT, len(x)), x.shape[1]), np.nan, np.float32)
        filled[: len(x)] = x
        z, y = code_step(self.net, jnp.asarray(filled))
        return np.asarray(z)[: len(x)], np.asarray(y)[: len(x)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of the table: a model, and what it reaches on the held-out contrasts.

    `hidden_r2` is R² of entries that its input did not have; `recall` and `asymmetry` are means over
    contrasts; `gain` is R² less that of the best PCA.
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

    `contrasts` and `studies` label the rows of the scores, `genes` their columns.
    """

    lines: list[Line]
    scores: dict[str, Scores]
    contrasts: list[str]
    studies: list[str]
    genes: list[str]


def score_beside_baselines(
    task: Task, model: Coder, part: str, *, n_top: int = 100, hidden: float = 0.1, seed: int = 0
) -> Evaluation:
    """The model and its baselines, fitted on the training rows; `gain` is over the best PCA.

    Raises
    ------
    InputError
        The part has no contrast.
    """
    rank = task.recipe.network.code
    place = {contrast: i for i, contrast in enumerate(task.copy.contrasts)}
    chosen = task.split.rows(part)
    if not len(chosen):
        raise InputError(f"the split has no {part} contrast; give [prepare.split] other shares")
    rows = np.array([place[str(c)] for c in task.split.contrasts[chosen]], np.int64)
    scaling = task.scaling
    held_out = CopyMatrix(task.copy, rows, scaling)
    training = CopyMatrix(task.copy, task.training, scaling)
    reference = reference_of(task.split, scaling, task.copy.genes)
    weight = task.split.weight[chosen].astype(np.float64)
    studies = task.split.studies[chosen].tolist()
    coders: dict[str, tuple[int, Coder]] = {"model": (rank, model)}
    coders |= fit_baselines(training, reference, rank, seed)
    visible, unseen = {}, {}
    for name, (_, coder) in coders.items():
        visible[name] = join_scores(
            score(x, coder.reconstruct(x), reference, weight[at]) for at, x in row_blocks(held_out)
        )
        unseen[name] = join_scores(
            score(target, coder.reconstruct(shown), reference, weight[at])
            for at, shown, target in _hidden(held_out, hidden, seed)
        )
    pcas = [name for name in coders if name.startswith("PCA")]
    best = max(pcas, key=lambda name: visible[name].r2) if pcas else "mean"
    lines = [
        Line(
            model=name,
            rank=of_rank,
            mse=visible[name].mse,
            r2=r2_interval(visible[name], studies, seed=seed),
            hidden_r2=unseen[name].r2,
            recall=_mean(top_gene_recall(x, coder.reconstruct(x), n_top) for x in _rows(held_out)),
            asymmetry=_mean(
                sign_asymmetry(coder.reconstruct(x), coder.reconstruct(-x)) for x in _rows(held_out)
            ),
            gain=r2_gain(visible[name], visible[best], studies, seed=seed),
        )
        for name, (of_rank, coder) in coders.items()
    ]
    return Evaluation(
        lines=lines,
        scores=visible,
        contrasts=task.split.contrasts[chosen].tolist(),
        studies=studies,
        genes=[gene for gene, in_it in zip(task.copy.genes, scaling.mask, strict=True) if in_it],
    )


def fit_baselines(
    training: Matrix, reference: Floats, rank: int, seed: int
) -> Mapping[str, tuple[int, Coder]]:
    """The baselines at `rank`, by name; PCA at the rank that the rows allow."""
    genes = training.shape[1]
    found: dict[str, tuple[int, Coder]] = {"mean": (0, mean_only(reference))}
    within = min(rank, genes)
    zero = np.zeros(genes, np.float32)
    found["random"] = (within, random_projection(zero, within, seed))
    allowed = min(rank, training.shape[0] - 1, genes)
    if allowed >= 1:
        pca = fit_pca(training, allowed, PcaSettings(seed=seed))
        observed = fit_observed_pca(training, allowed, ObservedPcaSettings(), start=pca)
        found["PCA, zeros for missing"] = (allowed, pca.projection)
        found["PCA, observed entries"] = (allowed, observed)
        found["PCA, shrunken"] = (allowed, pca.shrunken())
    return found


def reference_of(split: Split, scaling: Scaling, genes: tuple[str, ...]) -> Floats:
    """(selected genes,) the training means, standardised: what a model of rank 0 says."""
    place = {gene: i for i, gene in enumerate(split.genes.tolist())}
    mean = np.array([split.mean[place[gene]] for gene in genes])
    scaled: Floats = ((mean - scaling.shift) * scaling.scale)[scaling.mask].astype(np.float32)
    return scaled


def _rows(matrix: Matrix) -> Iterator[Floats]:
    for _, x in row_blocks(matrix, HEIGHT):
        yield x


def _hidden(matrix: Matrix, share: float, seed: int) -> Iterator[tuple[slice, Floats, Floats]]:
    for at, x in row_blocks(matrix, HEIGHT):
        yield at, *hide_entries(x, share, seed + at.start)


def _mean(blocks: Iterator[Floats]) -> float:
    values = np.concatenate(list(blocks))
    return float(np.nanmean(values)) if np.any(~np.isnan(values)) else float("nan")

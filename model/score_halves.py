"""A model and its baselines on halves of held-out contrasts: one is reconstructed, the other the target."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model.baselines.matrix import Floats
from model.evaluation.halves import score_halves, score_signal
from model.evaluation.intervals import Interval, r2_gain, r2_interval, r2_share
from model.evaluation.scores import Scores, join_scores
from model.judge import Coder, HalfBlock, half_blocks, reference_of, unknown_rows
from model.task import Task
from storage.halves import Halves
from storage.halves_schema import KINDS

IDENTITY = "identity"


@dataclass(frozen=True, kw_only=True, slots=True)
class HalvesLine:
    """A model on halves: R² on the other half, its share of the ceiling, and its gain over the best PCA."""

    model: str
    rank: int
    r2: Interval
    share: Interval
    gain: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class HalvesTable:
    """All models on one kind of halves, and the R² that the truth itself would have."""

    kind: str
    contrasts: int
    studies: int
    ceiling: Interval
    lines: list[HalvesLine]


def score_on_halves(
    task: Task,
    coders: Mapping[str, tuple[int, Coder]],
    halves: Halves,
    part: str,
    *,
    seed: int = 0,
) -> dict[str, HalvesTable]:
    """A table for each kind of halves that there is; `identity` says the one half as it is.

    Contrasts of `part` that fitted the model are left out.
    """
    chosen, reference = unknown_rows(task, part), reference_of(task)
    found = {}
    for kind in KINDS:
        table = _score_kind(half_blocks(task, halves, kind, chosen), coders, reference, kind, seed)
        if table is not None:
            found[kind] = table
    return found


def _score_kind(
    rows: Iterable[HalfBlock],
    coders: Mapping[str, tuple[int, Coder]],
    reference: Floats,
    kind: str,
    seed: int,
) -> HalvesTable | None:
    blocks: dict[str, list[Scores]] = {name: [] for name in (*coders, IDENTITY)}
    signal: list[Scores] = []
    studies: list[str] = []
    for x in rows:
        studies += x.studies
        signal.append(score_signal(x.a, x.b, reference, x.weight))
        for name, (_, coder) in coders.items():
            of_a, of_b = coder.reconstruct(x.a), coder.reconstruct(x.b)
            blocks[name].append(score_halves(x.a, x.b, of_a, of_b, reference, x.weight))
        blocks[IDENTITY].append(score_halves(x.a, x.b, x.a, x.b, reference, x.weight))
    if not signal:
        return None
    ceiling = join_scores(signal)
    scores = {name: join_scores(found) for name, found in blocks.items()}
    pcas = [name for name in coders if name.startswith("PCA")]
    best = max(pcas, key=lambda name: scores[name].r2) if pcas else "mean"
    ranks = {name: rank for name, (rank, _) in coders.items()} | {IDENTITY: len(reference)}
    return HalvesTable(
        kind=kind,
        contrasts=len(studies),
        studies=len(set(studies)),
        ceiling=r2_interval(ceiling, studies, seed=seed),
        lines=[
            HalvesLine(
                model=name,
                rank=ranks[name],
                r2=r2_interval(found, studies, seed=seed),
                share=r2_share(found, ceiling, studies, seed=seed),
                gain=r2_gain(found, scores[best], studies, seed=seed),
            )
            for name, found in scores.items()
        ],
    )

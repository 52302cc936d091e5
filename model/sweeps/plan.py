"""Which trainings a sweep consists of: a function of the recipe, the settings and the kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from model.networks.settings import NetworkSettings, with_layers
from model.recipe import Recipe
from model.sweeps.settings import Kind, SearchSpace, SweepSettings
from storage.errors import InputError

Judged = Literal["validation", "test", "fold"]

# Ranks are compared with PCA and choose nothing, so they may see the test part; the others choose.
JUDGED: dict[Kind, Judged] = {
    "neurons": "validation",
    "layers": "validation",
    "ranks": "test",
    "folds": "fold",
    "random": "validation",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One training of a sweep.

    `name` is its folder's; `at` its place in the sweep (number of neurons, of layers, rank, fold or draw),
    `group` what it is drawn together with; `fold` is held out, with None no fold is.
    """

    name: str
    recipe: Recipe
    at: int
    group: str = ""
    fold: int | None = None


def plan_trials(
    kind: Kind, recipe: Recipe, settings: SweepSettings, folds: Sequence[int]
) -> list[Trial]:
    """All trainings of a sweep; `folds` are those of the split that hold contrasts.

    Raises
    ------
    InputError
        The recipe allows no such network, no layer has a unit, or the split has a single fold.
    """
    if kind == "neurons":
        return [
            Trial(name=f"neurons-{n:05d}", recipe=_with_code(recipe, n), at=n)
            for n in sorted(set(settings.neurons))
        ]
    if kind == "layers":
        found = [
            _of_layers(recipe, n, units)
            for units in sorted(set(settings.units), reverse=True)
            for n in sorted(set(settings.layers))
            if n <= units
        ]
        if not found:
            raise InputError(
                f"each of layers {list(settings.layers)} in [sweep] is more than units "
                f"{list(settings.units)}, which the layers share; give more units"
            )
        return found
    if kind == "ranks":
        return [
            Trial(
                name=f"rank-{rank:05d}-seed-{seed}",
                recipe=_with_seed(_with_code(recipe, rank), seed),
                at=rank,
            )
            for rank in sorted(set(settings.ranks))
            for seed in range(recipe.fit.seed, recipe.fit.seed + settings.seeds)
        ]
    if kind == "folds":
        if len(folds) < 2:
            raise InputError(
                "the split has a single fold; set folds in [prepare.split] and prepare again"
            )
        return [Trial(name=f"fold-{fold}", recipe=recipe, at=fold, fold=fold) for fold in folds]
    return [
        Trial(name=f"random-{i:04d}", recipe=_draw(recipe, settings.search, i), at=i)
        for i in range(settings.trials)
    ]


def _of_layers(recipe: Recipe, n: int, units: int) -> Trial:
    network = _network(recipe, lambda net: with_layers(net, n, units))
    return Trial(
        name=f"layers-{units}-{n:02d}",
        recipe=replace(recipe, network=network),
        at=n,
        group=f"{units:,} units",
    )


def _with_code(recipe: Recipe, code: int) -> Recipe:
    return replace(recipe, network=_network(recipe, lambda net: replace(net, code=code)))


def _with_seed(recipe: Recipe, seed: int) -> Recipe:
    return replace(recipe, fit=replace(recipe.fit, seed=seed))


def _draw(recipe: Recipe, space: SearchSpace, number: int) -> Recipe:
    """The trial of this number, whatever the number of trials."""
    rng = np.random.default_rng([recipe.fit.seed, 17, number])
    code = int(rng.choice(space.code))
    hidden = int(rng.choice(space.hidden))
    dropout = float(rng.choice(space.input_dropout))
    loss = str(rng.choice(space.loss))
    low, high = np.log(space.learning_rate)
    rate = float(f"{np.exp(rng.uniform(low, high)):.3g}")

    def change(net: NetworkSettings) -> NetworkSettings:
        return replace(
            net,
            code=code,
            encoder=(hidden,) if hidden else (),
            decoder=(hidden,) if hidden else (),
            skip=bool(hidden),
            tied=False,
            code_activation="linear",
            input_dropout=dropout,
        )

    fit = replace(
        recipe.fit,
        learning_rate=rate,
        loss=replace(recipe.fit.loss, kind="huber" if loss == "huber" else "mse"),
    )
    return replace(recipe, network=_network(recipe, change), fit=fit)


def _network(
    recipe: Recipe, change: Callable[[NetworkSettings], NetworkSettings]
) -> NetworkSettings:
    try:
        return change(recipe.network)
    except ValueError as error:
        raise InputError(f"[train.network] can't be swept like this: {error}") from error

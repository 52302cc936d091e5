"""How well sample tables are curated: simulated ones by template, real ones by study, and how fast.

`python -m benchmarks.curation [--studies 2000] [--seed 1] [--show TEMPLATE] [--order 2000]`
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.curate.curate import curate
from pipeline.curate.curation import ARBITRARY, Curation
from pipeline.curate.settings import CurateSettings
from pipeline.simulate.metadata.answer import Contrast, SimulatedMetadata
from pipeline.simulate.metadata.registry import HELD_OUT, OPEN, TEMPLATES, draw_metadata
from pipeline.simulate.metadata.template import Template
from pipeline.sources.refusal import Refusal

VERDICTS = ("exact", "refused rightly", "some right", "refused wrongly", "wrong")
N_PAPER = 11_130


@dataclass(slots=True)
class Tally:
    """Verdicts of studies, and contrasts given, by whether an expert would accept them."""

    verdicts: Counter[str] = field(default_factory=Counter)
    contrasts: Counter[str] = field(default_factory=Counter)
    model: int = 0

    @property
    def n(self) -> int:
        """Studies."""
        return sum(self.verdicts.values())

    @property
    def share(self) -> float:
        """Share of studies answered as they should be."""
        right = self.verdicts["exact"] + self.verdicts["refused rightly"]
        return right / max(self.n, 1)


def contrasts_of(curation: Curation) -> list[Contrast]:
    """The contrasts that were given, as sets of samples, technical replicates with theirs."""
    groups: dict[str, set[str]] = defaultdict(set)
    for sample, group in curation.groups.items():
        groups[group] |= {*curation.summed.get(sample, (sample,))}
    return [
        Contrast(
            frozenset(groups[c.test]), frozenset(groups[c.reference]), c.direction != ARBITRARY
        )
        for c in curation.contrasts
    ]


def judge(study: SimulatedMetadata, tally: Tally) -> tuple[str, str]:
    """The verdict on one study, and what was said of it."""
    try:
        curation = curate(study.table, CurateSettings(organism="Mus musculus"))
    except Refusal as refusal:
        verdict = (
            "refused rightly" if study.truth.accepts_refusal(refusal.code) else "refused wrongly"
        )
        tally.verdicts[verdict] += 1
        return verdict, f"{refusal.code}: {refusal.message}"
    given = contrasts_of(curation)
    for contrast in given:
        tally.contrasts[
            "acceptable" if study.truth.allows(contrast) else _fault(study, contrast)
        ] += 1
    if study.truth.accepts(given):
        verdict = "exact"
    elif any(study.truth.allows(contrast) for contrast in given):
        verdict = "some right"
    else:
        verdict = "wrong"
    tally.verdicts[verdict] += 1
    blocks = [curation.block_name] if curation.block_name else []
    tally.model += study.truth.accepts_model([*curation.covariates, *blocks])
    told = [f"{c.test} vs {c.reference} ({c.direction})" for c in curation.contrasts]
    return verdict, f"{'; '.join(told)} [{', '.join([*curation.covariates, *blocks])}]"


def _fault(study: SimulatedMetadata, contrast: Contrast) -> str:
    """What is wrong with a contrast: its direction, or the groups themselves."""
    turned = Contrast(contrast.reference, contrast.test, contrast.directed)
    loose = [
        Contrast(c.test, c.reference, False) for a in study.truth.alternatives for c in a.contrasts
    ]
    if study.truth.allows(turned):
        return "wrong reference"
    if any({c.test, c.reference} == {contrast.test, contrast.reference} for c in loose):
        return "direction not known"
    return "mixed or other groups"


def measure(
    n_studies: int, seed: int, templates: Sequence[Template] = TEMPLATES, show: str = ""
) -> tuple[dict[str, Tally], float]:
    """Tallies by template of studies 0 … n, and the seconds that curation alone took."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    seconds = 0.0
    for number in range(n_studies):
        study = draw_metadata(seed, number, templates)
        started = time.process_time()
        verdict, said = judge(study, tallies[study.template])
        seconds += time.process_time() - started
        if show and show in (study.template, "all") and verdict not in ("exact", "refused rightly"):
            _show(study, verdict, said)
    return dict(tallies), seconds


def order_matters(
    n_studies: int, seed: int, templates: Sequence[Template] = TEMPLATES
) -> list[int]:
    """Numbers of the studies whose answer changes with the order of rows and columns."""
    rng, changed = np.random.default_rng(seed), []
    for number in range(n_studies):
        table = draw_metadata(seed, number, templates).table
        turned = table.iloc[rng.permutation(len(table)), rng.permutation(table.shape[1])]
        if _answer(table) != _answer(turned):
            changed.append(number)
    return changed


def _answer(table: object) -> object:
    try:
        return curate(table, CurateSettings(organism="Mus musculus"))  # type: ignore[arg-type]
    except Refusal as refusal:
        return refusal.code, refusal.message


def _show(study: SimulatedMetadata, verdict: str, said: str) -> None:
    print(f"\n--- {study.template} {study.number}: {verdict}\n  given: {said}")
    constant = [c for c in study.table if study.table[c].nunique(dropna=False) == 1]
    print(
        "  "
        + study.table.drop(columns=[*constant, "biosample"], errors="ignore")
        .to_string(max_colwidth=40)
        .replace("\n", "\n  ")
    )
    for answer in study.truth.alternatives[:3]:
        print(
            f"  wanted: {sorted(answer.refused)}, model {sorted(answer.covariates | answer.blocks)}"
        )
        for c in sorted(answer.contrasts, key=lambda c: (sorted(c.test), sorted(c.reference))):
            print(
                f"    {sorted(c.test)} vs {sorted(c.reference)} {'directed' if c.directed else ''}"
            )


def report(tallies: dict[str, Tally]) -> None:
    """Print the tallies, template by template and together."""
    print(
        f"{'template':<30}{'n':>5}"
        + "".join(f"{v:>17}" for v in VERDICTS)
        + f"{'right':>8}{'model':>8}"
    )
    for name, tally in [*tallies.items(), ("all", total(tallies))]:
        counts = "".join(f"{tally.verdicts[v]:>17}" for v in VERDICTS)
        given = tally.n - tally.verdicts["refused rightly"] - tally.verdicts["refused wrongly"]
        print(
            f"{name:<30}{tally.n:>5}{counts}{tally.share:>8.1%}{tally.model / max(given, 1):>8.0%}"
        )
    contrasts = total(tallies).contrasts
    n = sum(contrasts.values())
    print(
        "contrasts given: "
        + ", ".join(f"{k} {v} ({v / n:.2%})" for k, v in contrasts.most_common())
    )


def total(tallies: dict[str, Tally]) -> Tally:
    """All templates together."""
    together = Tally()
    for tally in tallies.values():
        together.verdicts += tally.verdicts
        together.contrasts += tally.contrasts
        together.model += tally.model
    return together


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", default="")
    parser.add_argument("--templates", choices=("all", "open", "held-out"), default="all")
    parser.add_argument("--order", type=int, default=0, help="studies to turn rows and columns of")
    arguments = parser.parse_args()
    templates = {"all": TEMPLATES, "open": OPEN, "held-out": HELD_OUT}[arguments.templates]
    tallies, seconds = measure(arguments.studies, arguments.seed, templates, show=arguments.show)
    report(tallies)
    each = seconds / arguments.studies
    print(f"{each * 1e3:.2f} ms a study; {N_PAPER} studies in {each * N_PAPER:.0f} s on one core")
    if arguments.order:
        changed = order_matters(arguments.order, arguments.seed, templates)
        print(
            "answers that change with the order of rows and columns: "
            f"{len(changed)} of {arguments.order} {changed[:8]}"
        )


if __name__ == "__main__":
    main()

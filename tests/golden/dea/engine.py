"""What this version of the statistics answers, kept so that a change is noticed.

`python -m tests.golden.dea.engine` writes it again, after ENGINE_VERSION has been bumped.
"""

import numpy as np

from pipeline.dea.arrays import Floats
from pipeline.dea.settings import ENGINE_VERSION, DeaSettings
from pipeline.dea.study import analyse_study
from tests.golden.dea.oracle import FOLDER, read_study

PATH = FOLDER / "engine.npz"
STEP = 25
CASES = {
    "default": ("d05", DeaSettings()),
    "trend": ("d05", DeaSettings(method="trend", tested="study")),
    "robust": ("d01", DeaSettings(robust=True, deviations="parity")),
    "weights": ("d10", DeaSettings(sample_weights=True)),
    "adaptive": ("d01", DeaSettings(span="adaptive")),
    "none": ("d01", DeaSettings(filter="none")),
    "blocks": ("d13", DeaSettings()),
}
STATISTICS = ("logfc", "se", "t", "neg_log10_p", "neg_log10_adj_p", "lods", "ave_expr")


def engine_numbers() -> dict[str, Floats]:
    """Some numbers of every branch, by name."""
    numbers = {}
    for case, (name, settings) in CASES.items():
        study = read_study(name)
        result = analyse_study(study.counts, study.design, study.contrasts, settings)
        for statistic in STATISTICS:
            numbers[f"{case}-{statistic}"] = getattr(result, statistic)[..., ::STEP]
    return numbers


def read_engine_golden() -> tuple[int, dict[str, Floats]]:
    with np.load(PATH) as kept:
        return int(kept["version"]), {name: kept[name] for name in kept if name != "version"}


if __name__ == "__main__":
    np.savez_compressed(PATH, version=ENGINE_VERSION, **engine_numbers())  # type: ignore[arg-type]

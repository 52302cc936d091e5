"""What curation says of the real studies, against what was written down from their metadata before.

`python -m benchmarks.curation_real [FOLDER]`, FOLDER holding one folder a study.
"""

import sys
from collections import Counter
from pathlib import Path

import pandas as pd

from benchmarks.curation import contrasts_of
from pipeline.curate.curate import curate
from pipeline.curate.settings import CurateSettings
from pipeline.simulate.metadata.answer import Contrast
from pipeline.sources.folder import FolderSource
from pipeline.sources.geo_file import read_geo
from pipeline.sources.geo_table import make_geo_samples
from pipeline.sources.refusal import Refusal
from tests.golden.curate.expected import ExpectedStudy, Verdict
from tests.golden.curate.real_studies import AIRWAY_TABLE, STUDIES

STUDIES_FOLDER = Path(__file__).parents[2] / "shared" / "data" / "studies"
GOOD = (Verdict.ESSENTIAL, Verdict.ACCEPTABLE)


def sample_table(study: str, folder: Path) -> pd.DataFrame:
    """The sample table of a study, as the source gives it to curation."""
    name, _, part = study.partition(":")
    if part == "typed":
        rows = {s: {"cell line": line, "treatment": t} for s, (line, t) in AIRWAY_TABLE.items()}
        return pd.DataFrame.from_dict(rows, orient="index")
    if part == "coldata_all":
        table = pd.read_csv(folder / name / "coldata_all.csv", dtype=object)
        return table.set_index("sample", drop=False)
    if name.endswith("_meta"):
        matrix = next((folder / name).glob("*_series_matrix.txt.gz"))
        return make_geo_samples([read_geo(matrix)]).table
    return FolderSource(folder).read(name).samples


def measure(study: ExpectedStudy, folder: Path) -> tuple[list[bool], Counter[Verdict], str]:
    """Which essential contrasts are found, what the given ones are worth, and what was said."""
    try:
        curation = curate(sample_table(study.study, folder), CurateSettings())
    except Refusal as refusal:
        right = refusal.code in study.refusals
        found = [] if right else [False] * len(study.essential)
        return found, Counter(), f"refused {'rightly' if right else 'wrongly'}: {refusal.code}"
    given = [_renamed(contrast, study) for contrast in contrasts_of(curation)]
    verdicts = [study.verdict(contrast) for contrast in given]
    told = [
        f"{c.test} vs {c.reference} ({verdict.value})"
        for c, verdict in zip(curation.contrasts, verdicts, strict=True)
    ]
    wanted = study.covariates | study.blocks
    model = {*curation.covariates, *([curation.block_name] if curation.block_name else [])}
    fault = "" if wanted <= model <= wanted | study.optional else f", wanted {sorted(wanted)}"
    return study.found(given), Counter(verdicts), f"{'; '.join(told)}; model {sorted(model)}{fault}"


def _renamed(contrast: Contrast, study: ExpectedStudy) -> Contrast:
    sides = [frozenset(study.aliases.get(s, s) for s in side) for side in contrast[:2]]
    return Contrast(sides[0], sides[1], contrast.directed)


def main() -> None:
    """Measure and print."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else STUDIES_FOLDER
    all_found: list[bool] = []
    all_verdicts: Counter[Verdict] = Counter()
    for study in STUDIES:
        found, verdicts, told = measure(study, folder)
        all_found += found
        all_verdicts += verdicts
        print(f"{study.study:<28} {sum(found)} of {len(found)}: {told}")
    n = sum(all_verdicts.values())
    good = sum(all_verdicts[v] for v in GOOD)
    bad = all_verdicts[Verdict.REVERSED] + all_verdicts[Verdict.MIXED] + all_verdicts[Verdict.WRONG]
    print(f"the authors' contrasts found: {sum(all_found)} of {len(all_found)}")
    print(f"of {n} contrasts given: {good / n:.1%} acceptable, {bad / n:.1%} wrong or mixed")


if __name__ == "__main__":
    main()

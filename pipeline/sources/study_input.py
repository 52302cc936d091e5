"""What a source gives of one study: counts, sample table, and what happened on the way."""

from dataclasses import dataclass, field

import pandas as pd

from pipeline.sources.table import CountTable


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyInput:
    """What one study gives to the analysis.

    `samples` is indexed by the sample names of `counts`, in the same order; its cells are text, NaN or
    empty where missing, and it may have no columns. `unmatched_counts` are samples without a row,
    `unmatched_rows` rows without counts, `left_out` other samples that are not used, with the reason.
    `runs` are the runs summed into a sample, where that is known; `flags` are cautions for the whole study,
    none with a comma.
    """

    counts: CountTable
    samples: pd.DataFrame
    unmatched_counts: list[str] = field(default_factory=list)
    unmatched_rows: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    runs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

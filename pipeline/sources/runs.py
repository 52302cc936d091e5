"""Runs of one project into samples: which runs are used, and which samples of GEO they are of."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.sources.geo_table import GeoSamples
from pipeline.sources.qc import FAIL, WARN, Qc, QcSettings, parse_qc, stricter
from pipeline.sources.run_list import Run
from pipeline.sources.run_table import RunTable
from pipeline.sources.table import CountTable

_SRA_TITLE = re.compile(r"GSM\d+:\s*(.*?)(?:;\s*([^;]+);\s*([^;]+))?")


@dataclass(frozen=True, slots=True)
class UsedRuns:
    """Runs that are used, by sample, and what is to be said of the others.

    `left_out` are samples without a used run, with the reason; `flags` are for the study.
    """

    runs: dict[str, tuple[str, ...]]
    left_out: dict[str, str]
    flags: tuple[str, ...]


def name_samples(
    runs: Sequence[Run], geo: GeoSamples | None, table: RunTable | None = None
) -> dict[str, str]:
    """The sample of each run, one for all runs of an experiment.

    It is the GSM whose relations in GEO name the run's SRX, else the GSM that the run list of 2018 has,
    that SRA's title begins with, or that SRA's run table has, else the SRX, the SRS, or the run itself.
    """
    if table is not None:
        runs = [
            run._replace(geo_sample=run.geo_sample or table.geo_samples.get(run.run, ""))
            for run in runs
        ]
    by_experiment = {
        experiment: sample
        for sample, experiments in (geo.experiments.items() if geo else ())
        for experiment in experiments
    }
    for run in sorted(runs):
        if run.experiment and run.geo_sample:
            by_experiment.setdefault(run.experiment, run.geo_sample)
    return {
        run.run: by_experiment.get(run.experiment, "")
        or run.geo_sample
        or run.experiment
        or run.sample
        or run.run
        for run in runs
    }


def use_runs(
    runs: Sequence[Run],
    sample_of: Mapping[str, str],
    present: Collection[str],
    measured: Mapping[str, Qc],
    settings: QcSettings,
) -> UsedRuns:
    """Choose runs by their flags, the stricter of the list's and the archive's.

    Parameters
    ----------
    present
        Runs that came with counts.
    measured
        Flags by run, as the archives have them.
    """
    there = set(present)
    used: dict[str, list[str]] = {}
    why: dict[str, dict[str, str]] = {}
    n_warn, n_fail, n_missing = 0, 0, 0
    for run in runs:
        sample = sample_of[run.run]
        flag = stricter(parse_qc(run.qc), measured.get(run.run, Qc("")))
        if run.run not in there:
            n_missing += settings.keeps(flag.level)
            why.setdefault(sample, {})[run.run] = (
                "not in DEE2" if settings.keeps(flag.level) else f"quality {flag}"
            )
        elif not settings.keeps(flag.level):
            why.setdefault(sample, {})[run.run] = f"quality {flag}"
        else:
            used.setdefault(sample, []).append(run.run)
            n_warn += flag.level == WARN
            n_fail += flag.level == FAIL
    counted = {"qc_warn": n_warn, "qc_fail": n_fail, "runs_missing": n_missing}
    return UsedRuns(
        runs={sample: tuple(sorted(names)) for sample, names in sorted(used.items())},
        left_out={
            sample: "; ".join(dict.fromkeys(reasons.values()))
            for sample, reasons in sorted(why.items())
            if sample not in used
        },
        flags=tuple(f"{name}:{n}" for name, n in counted.items() if n),
    )


def sum_runs(table: CountTable, runs: Mapping[str, tuple[str, ...]]) -> CountTable:
    """Counts of samples: their runs' counts summed."""
    at = {run: i for i, run in enumerate(table.samples)}
    counts = np.stack(
        [table.counts[[at[run] for run in names]].sum(axis=0) for names in runs.values()]
    )
    return CountTable(table.ids, list(runs), counts)


def make_sample_table(
    samples: Sequence[str],
    runs: Sequence[Run],
    sample_of: Mapping[str, str],
    geo: GeoSamples | None,
    run_table: RunTable | None = None,
) -> pd.DataFrame:
    """GEO's table of these samples; of those that GEO does not know, what SRA's run table and title tell."""
    table = geo.table if geo else pd.DataFrame(dtype=object)
    table = table.reindex(pd.Index(list(samples), name="sample_name", dtype=object))
    unknown = set(samples) - (set(geo.table.index) if geo else set())
    for run in runs:
        name = sample_of[run.run]
        if name not in unknown:
            continue
        told = _told_by_title(run.title) if run.title else {}
        if run_table is not None:
            told = run_table.cells.get(run.run, {}) | told
        for column, value in told.items():
            if column not in table.columns:
                table[column] = pd.Series(np.nan, index=table.index, dtype=object)
            if not isinstance(table.at[name, column], str):
                table.at[name, column] = value
    return table.dropna(axis=1, how="all")


def _told_by_title(title: str) -> dict[str, str]:
    """SRA writes the title of a sample of GEO as `GSM1: title; Mus musculus; RNA-Seq`."""
    found = _SRA_TITLE.fullmatch(title)
    if not found:
        return {"title": title}
    told = {"title": found[1], "organism": found[2], "library_strategy": found[3]}
    return {column: value.strip() for column, value in told.items() if value}

"""The command `dexome dea`: one count table to a table of differential expression, no workspace."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer

from pipeline.commands.dea_inputs import Inputs, choose_contrasts, read_inputs
from pipeline.commands.tables import check_out, write_table
from storage.errors import InputError

# The statistics are imported when they are needed: `dexome --help` should not wait for them.
if TYPE_CHECKING:
    from pipeline.dea.design import Contrast, Design
    from pipeline.dea.result import StudyResult
    from pipeline.dea.settings import DeaSettings

COLUMNS = ("logfc", "t", "p_value", "neg_log10_p", "adj_p_value", "lods", "tested")


class MethodName(StrEnum):
    """Values of --method."""

    voom = "voom"
    trend = "trend"


class FilterName(StrEnum):
    """Values of --filter."""

    expressed = "expressed"
    none = "none"


class TestedName(StrEnum):
    """Values of --tested."""

    study = "study"
    contrast = "contrast"


class DeviationsName(StrEnum):
    """Values of --deviations."""

    parity = "parity"
    exact = "exact"


def dea(
    counts: Annotated[Path, typer.Argument(help="Count table: TSV or CSV, genes in rows.")],
    samples: Annotated[Path, typer.Argument(help="Sample table: TSV or CSV, samples in rows.")],
    group: Annotated[str, typer.Option(help="Column of the sample table with the groups.")],
    out: Annotated[Path, typer.Option(help="Result: a .tsv, .csv (.gz) or .parquet file.")],
    covariate: Annotated[
        list[str] | None, typer.Option(help="Column to adjust for, for example the batch.")
    ] = None,
    block: Annotated[
        str | None, typer.Option(help="Column of samples that belong together, as of one animal.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(help="Group to compare with.", show_default="the first of the table"),
    ] = None,
    contrast: Annotated[
        list[str] | None,
        typer.Option(help="TEST-REFERENCE.", show_default="every other group with the reference"),
    ] = None,
    method: Annotated[MethodName, typer.Option()] = MethodName.voom,
    filter_: Annotated[
        FilterName, typer.Option("--filter", help="Which genes are in the model.")
    ] = FilterName.expressed,
    tested: Annotated[
        TestedName,
        typer.Option(help="study: as R; contrast: only genes expressed in the two groups."),
    ] = TestedName.study,
    deviations: Annotated[
        DeviationsName, typer.Option(help="parity: as R; exact: also with covariates.")
    ] = DeviationsName.parity,
    robust: Annotated[
        bool, typer.Option("--robust", help="Guard against hypervariable genes.")
    ] = False,
    weights: Annotated[
        bool, typer.Option("--weights", help="Weigh samples by their quality.")
    ] = False,
    plots: Annotated[Path | None, typer.Option(help="Folder for plots.")] = None,
) -> None:
    """Differential expression of one study, as limma computes it: no workspace is needed."""
    from threadpoolctl import threadpool_limits

    from pipeline.dea.errors import NotAnalysableError
    from pipeline.dea.settings import DeaSettings
    from pipeline.dea.study import analyse_study

    check_out(out)
    inputs = read_inputs(counts, samples, [group, *(covariate or []), *([block] if block else [])])
    levels = list(dict.fromkeys(inputs.rows[group]))
    contrasts = choose_contrasts(levels, reference, contrast or [])
    design = _make_design(inputs, group, covariate or [], block)
    confounded = _check_confounded(
        design, contrasts, [*(covariate or []), *([block] if block else [])]
    )
    settings = DeaSettings(
        method=method.value,
        filter=filter_.value,
        tested=tested.value,
        deviations=deviations.value,
        robust=robust,
        sample_weights=weights,
    )
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            result = analyse_study(inputs.counts, design, contrasts, settings)
    except NotAnalysableError as error:
        name = "" if error.sample is None else f" (sample {inputs.samples[error.sample]!r})"
        raise InputError(f"{counts.name}: {error}{name}") from error
    write_table(result_table(result, inputs.ids), out)
    if plots is not None:
        from pipeline.commands.dea_plots import write_plots

        write_plots(result, plots)
    for note in [*inputs.notes, *confounded, *_cautions(result)]:
        typer.echo(f"note: {note}", err=True)
    for line in _summary(result, settings):
        typer.echo(line)
    typer.echo(f"wrote {out}")


def result_table(result: "StudyResult", ids: Sequence[str]) -> pd.DataFrame:
    """One row for each contrast and gene; NaN where a gene is not tested."""
    parts = []
    for k, contrast in enumerate(result.contrasts):
        part = pd.DataFrame({"contrast": contrast.name, "gene": list(ids)})
        for name in COLUMNS:
            part[name] = getattr(result, name)[k]
        part.insert(3, "ave_expr", result.ave_expr)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _make_design(
    inputs: Inputs, group: str, covariates: Sequence[str], block: str | None
) -> "Design":
    from pipeline.dea.design import make_design

    values = {name: inputs.rows[name].astype(str).tolist() for name in inputs.rows.columns}
    return make_design(
        values[group],
        {name: values[name] for name in covariates},
        None if block is None else values[block],
    )


def _check_confounded(
    design: "Design", contrasts: "Sequence[Contrast]", columns: Sequence[str]
) -> list[str]:
    confounded = [c for c in contrasts if not design.is_estimable(c)]
    notes = [
        f"{c.name} is confounded with {' and '.join(columns)}: the data can't tell them apart"
        for c in confounded
    ]
    if len(confounded) == len(contrasts):
        raise InputError(f"{notes[0]}; leave the column out, or compare other groups")
    return notes


def _cautions(result: "StudyResult") -> list[str]:
    notes = []
    if result.status == "no_replication":
        notes.append("no group has replicates: there are fold changes, and no tests")
    elif result.df_residual < 3:
        notes.append(f"{result.df_residual:.0f} residual degrees of freedom: little power")
    for contrast, flags in zip(result.contrasts, result.contrast_flags, strict=True):
        if "single_sample_group" in flags:
            notes.append(f"{contrast.name} has a group of one sample")
    return notes


def _summary(result: "StudyResult", settings: "DeaSettings") -> list[str]:
    used = [
        f"{name} {getattr(settings, name)}" for name in ("method", "filter", "tested", "deviations")
    ]
    used += [name for name in ("robust", "sample_weights") if getattr(settings, name)]
    lines = [
        f"{', '.join(used).replace('_', ' ')}; "
        f"{result.n_tested} of {int(result.measured.sum())} measured genes in the model, "
        f"{result.df_residual:.0f} residual degrees of freedom"
    ]
    if not np.isnan(result.correlation):
        lines.append(f"consensus correlation within blocks {result.correlation:.3f}")
    for k, contrast in enumerate(result.contrasts):
        called = result.adj_p_value[k] < 0.05
        up = int((called & (result.logfc[k] > 0)).sum())
        n_tested = int(result.tested[k].sum())
        lines.append(
            f"{contrast.name}: {n_tested} tested, {up} up and {int(called.sum()) - up} down "
            "at adjusted p < 0.05"
        )
    return lines

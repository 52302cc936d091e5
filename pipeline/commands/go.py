"""The command `dexome go`: one gene list or ranking to a table of terms, no workspace."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer

from pipeline.commands.tables import check_out, write_table
from storage.errors import InputError

# The statistics are imported when they are needed: `dexome --help` should not wait for them.
if TYPE_CHECKING:
    from pipeline.enrich.annotation import Annotation
    from pipeline.enrich.gene_list import GeneList
    from pipeline.enrich.ontology import Ontology


class GoTest(StrEnum):
    """Values of --test."""

    hypergeometric = "hypergeometric"
    ranksum = "ranksum"


class RelationsName(StrEnum):
    """Values of --relations."""

    all = "all"
    is_a_part_of = "is_a_part_of"


@dataclass(frozen=True, slots=True)
class _Terms:
    """The ontology, and the annotation under the gene names that the user's ids are."""

    ontology: "Ontology"
    annotation: "Annotation"
    notes: list[str]


def go(
    genes: Annotated[
        Path, typer.Argument(help="One id a line, or a table of id and 1/0, or of id and score.")
    ],
    annotation: Annotated[
        Path, typer.Option(help="GAF, gene2go, GMT, or a table of gene and term.")
    ],
    out: Annotated[Path, typer.Option(help="Result: a .tsv, .csv (.gz) or .parquet file.")],
    ontology: Annotated[
        Path | None, typer.Option(help="OBO file.", show_default="none, for a GMT file only")
    ] = None,
    background: Annotated[
        Path | None,
        typer.Option(help="Ids, one a line.", show_default="rows with 0; else all annotated genes"),
    ] = None,
    test: Annotated[GoTest, typer.Option()] = GoTest.hypergeometric,
    relations: Annotated[
        RelationsName, typer.Option(help="all: the five relations, as GOfuncR; or the safe two.")
    ] = RelationsName.all,
    random_sets: Annotated[
        int, typer.Option(min=1, help="Random sets for the family-wise error rate.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    refine: Annotated[
        float | None,
        typer.Option(
            help="Test terms below this family-wise error rate again, without genes of terms below."
        ),
    ] = None,
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", help="Compare ids in lower case.")
    ] = False,
) -> None:
    """Enrichment of terms in one gene list, or along one ranking: no workspace is needed."""
    from pipeline.enrich.gene_list import parse_gene_list
    from pipeline.enrich.gene_sets import propagate
    from pipeline.enrich.lines import read_lines
    from pipeline.enrich.one_list import ListTest
    from pipeline.enrich.ontology import Relations

    check_out(out)
    if refine is not None and not 0 < refine < 1:
        raise InputError(f"--refine {refine} must be between 0 and 1")
    chosen = parse_gene_list(read_lines(genes), genes.name, ignore_case=ignore_case)
    others = None
    if background is not None:
        others = parse_gene_list(read_lines(background), background.name, ignore_case=ignore_case)
    _check_values(chosen, genes.name, test, others is not None)
    wanted = [*chosen.values, *(others.values if others is not None else [])]
    terms = _read_terms(ontology, annotation, wanted, ignore_case)
    known = {gene: i for i, gene in enumerate(terms.annotation.genes)}
    _check_some_known(wanted, known, genes.name, annotation.name)
    which = Relations(relations.value)
    tester = ListTest(
        ontology=terms.ontology,
        sets=propagate(terms.annotation, terms.ontology, which),
        relations=which,
        n_sets=random_sets,
        seed=seed,
        refine_at=refine,
    )
    if test is GoTest.ranksum:
        scores = np.full(len(known), np.nan)
        for gene, value in chosen.values.items():
            if gene in known:
                scores[known[gene]] = value
        table = tester.test_ranking(scores)
    else:
        candidates = [gene for gene, value in chosen.values.items() if value == 1]
        rest = others.values if others is not None else chosen.values
        has_background = others is not None or len(candidates) < len(chosen.values)
        is_background = _mask(rest, known) if has_background else np.ones(len(known), np.bool_)
        table = tester.test_list(is_background, _mask(candidates, known))
    write_table(table, out)
    unknown = [gene for gene in chosen.values if gene not in known]
    if unknown:
        terms.notes.append(
            f"{len(unknown)} of {len(chosen.values)} ids of {genes.name} have no annotation, for "
            f"example {unknown[0]!r}: they are left out"
        )
    for note in [*chosen.notes, *(others.notes if others is not None else ()), *terms.notes]:
        typer.echo(f"note: {note}", err=True)
    for line in _summary(table):
        typer.echo(line)
    typer.echo(f"wrote {out}")


def _check_values(chosen: "GeneList", source: str, test: GoTest, has_background: bool) -> None:
    if test is GoTest.ranksum:
        if has_background:
            raise InputError(
                "--background is not for --test ranksum: all genes with a score are it"
            )
        if chosen.values and not chosen.has_values:
            raise InputError(f"{source} has no scores, which --test ranksum needs: id, tab, score")
        return
    odd = [value for value in chosen.values.values() if value not in (0, 1)]
    if odd:
        raise InputError(
            f"{source} has {odd[0]:g} in its second column; give 1 and 0, or use --test ranksum"
        )
    if has_background and 0 in chosen.values.values():
        raise InputError(
            f"{source} has rows with 0, which are a background; leave out --background"
        )


def _read_terms(
    ontology: Path | None, annotation: Path, wanted: list[str], ignore_case: bool
) -> _Terms:
    from pipeline.enrich.annotation import choose_kind, make_annotation
    from pipeline.stages.terms import read_term_files

    rows, graph = read_term_files(ontology, annotation)
    kind = choose_kind(rows, wanted, ignore_case=ignore_case)
    joined = make_annotation(rows, graph, kind=kind, ignore_case=ignore_case)
    notes = [
        f"{annotation.name}: {n} rows {reason}" for reason, n in sorted(joined.dropped.items())
    ]
    notes += [f"{graph.version}: {n} edges {reason}" for reason, n in sorted(graph.dropped.items())]
    if len(rows.kinds) > 1:
        notes.append(f"ids are taken as the {kind} of {annotation.name}")
    if not joined.genes:
        raise InputError(
            f"no term of {annotation.name} is in the ontology; do the two belong together?"
        )
    return _Terms(graph, joined, notes)


def _check_some_known(
    wanted: list[str], known: Mapping[str, int], source: str, annotation: str
) -> None:
    if wanted and not any(gene in known for gene in wanted):
        raise InputError(
            f"none of the {len(wanted)} ids of {source} is in {annotation}: {wanted[0]!r} against "
            f"{next(iter(known))!r}; is it the same organism and kind of id? --ignore-case may help"
        )


def _mask(genes: Iterable[str], known: Mapping[str, int]) -> np.ndarray:
    mask = np.zeros(len(known), np.bool_)
    mask[[known[gene] for gene in genes if gene in known]] = True
    return mask


def _summary(table: pd.DataFrame) -> list[str]:
    fwer = "fwer_over" if "fwer_over" in table else "fwer_high"
    lines = []
    for domain, part in table.groupby("domain", sort=True):
        if part["fwer_under" if fwer == "fwer_over" else "fwer_low"].isna().all():
            lines.append(f"{domain}: {part['term'].iloc[0]}, {part['name'].iloc[0]}")
        else:
            n = int((part[fwer] < 0.05).sum())
            lines.append(
                f"{domain}: {len(part)} terms, {n} with a family-wise error rate below 0.05"
            )
    return lines

"""The command `dexome go`: one gene list or ranking to a table of terms, no workspace."""

from collections import Counter
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
    from pipeline.enrich.annotation import Annotation, Rows
    from pipeline.enrich.gene_list import GeneList
    from pipeline.enrich.ontology import Ontology

# Taxa of an annotation that are named: gene2go has thousands.
_NAMED_TAXA = 5


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
    taxon: Annotated[
        str,
        typer.Option(
            help="NCBI taxon of the genes, where the annotation has several.", metavar="NUMBER"
        ),
    ] = "",
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
    given = [
        (path.name, parse_gene_list(read_lines(path), path.name, ignore_case=ignore_case))
        for path in (genes, background)
        if path is not None
    ]
    chosen, others = given[0][1], given[1][1] if background is not None else None
    _check_values(chosen, genes.name, test, others is not None)
    wanted = [gene for _, found in given for gene in found.values]
    terms = _read_terms(ontology, annotation, taxon, wanted, ignore_case)
    known = {gene: i for i, gene in enumerate(terms.annotation.genes)}
    # Of a background by itself: candidates belong to it, and all alone they would have p = 1 everywhere.
    source, population = given[-1]
    if background is not None and not population.values:
        raise InputError(f"{source} has no ids; leave out --background for all annotated genes")
    _check_some_known(list(population.values), known, source, annotation.name)
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
    notes = [note for _, found in given for note in found.notes] + terms.notes
    for source, found in given:
        notes += _unknown_told(found, known, source)
    for note in notes:
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
    ontology: Path | None, annotation: Path, taxon: str, wanted: list[str], ignore_case: bool
) -> _Terms:
    from pipeline.enrich.annotation import EvidenceRules, choose_kind, make_annotation
    from pipeline.stages.terms import read_term_files

    rows, graph = read_term_files(ontology, annotation, EvidenceRules(taxon=taxon))
    _check_one_taxon(rows, annotation.name, taxon)
    kind = choose_kind(rows, wanted, ignore_case=ignore_case)
    joined = make_annotation(rows, graph, kind=kind, ignore_case=ignore_case)
    reasons = Counter[str]()
    for reason, n in joined.dropped.items():
        # One file may have a thousand of them.
        reasons["of other taxa" if reason.startswith("taxon ") else reason] += n
    notes = [f"{annotation.name}: {n} rows {reason}" for reason, n in sorted(reasons.items())]
    notes += [f"{graph.version}: {n} edges {reason}" for reason, n in sorted(graph.dropped.items())]
    if len(rows.kinds) > 1:
        notes.append(f"ids are taken as the {kind} of {annotation.name}")
    if not joined.genes:
        raise InputError(
            f"no term of {annotation.name} is in the ontology; do the two belong together?"
        )
    return _Terms(graph, joined, notes)


def _check_one_taxon(rows: "Rows", source: str, taxon: str) -> None:
    """Refuse a file of several organisms: the genes of all would be the background of one."""
    if taxon and not rows.taxa:
        raise InputError(f"{source} tells no taxa; leave out --taxon {taxon}")
    if len(rows.taxa) > 1:
        often = sorted(rows.taxa, key=lambda name: -rows.taxa[name])
        named = ", ".join(name or "missing" for name in often[:_NAMED_TAXA])
        more = ", …" if len(often) > _NAMED_TAXA else ""
        raise InputError(
            f"{source} has genes of {len(often)} taxa ({named}{more}); name that of your genes, as "
            f"--taxon {often[0]}"
        )


def _check_some_known(
    wanted: list[str], known: Mapping[str, int], source: str, annotation: str
) -> None:
    if wanted and not any(gene in known for gene in wanted):
        raise InputError(
            f"none of the {len(wanted)} ids of {source} is in {annotation}: {wanted[0]!r} against "
            f"{next(iter(known))!r}; is it the same organism and kind of id? --ignore-case may help"
        )


def _unknown_told(given: "GeneList", known: Mapping[str, int], source: str) -> list[str]:
    unknown = [gene for gene in given.values if gene not in known]
    if not unknown:
        return []
    return [
        f"{len(unknown)} of {len(given.values)} ids of {source} have no annotation, for example "
        f"{unknown[0]!r}: they are left out"
    ]


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

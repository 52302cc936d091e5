"""The command that makes a workspace."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import HERE
from pipeline.sources.remote_files import is_address
from pipeline.sources.settings import SourceConfig, read_accessions
from pipeline.workspace import create_workspace
from storage.errors import InputError


def init(
    directory: Annotated[Path, typer.Argument(help="Folder of the new workspace.")] = HERE,
    genes: Annotated[
        Path, typer.Option(help="Table of genes, the axis of the compendium: TSV or CSV.")
    ] = ...,  # type: ignore[assignment]
    source: Annotated[
        str | None,
        typer.Option(
            help="Folder of studies, or its address (s3://…): STUDY/counts.tsv.gz, STUDY/samples.tsv."
        ),
    ] = None,
    dee2: Annotated[
        str | None,
        typer.Option(help="Species of DEE2, such as mmusculus, in the place of --source."),
    ] = None,
    accessions: Annotated[
        str | None,
        typer.Option(
            help="With --dee2: SRP and GSE, comma-separated, or a file of them; else all."
        ),
    ] = None,
    ontology: Annotated[
        Path | None, typer.Option(help="OBO file, for the enrichment.", show_default="none")
    ] = None,
    annotation: Annotated[
        Path | None,
        typer.Option(help="GAF, gene2go, GMT, or gene and term.", show_default="no enrichment"),
    ] = None,
) -> None:
    """Make a workspace: write its dexome.toml."""
    if (source is None) == (dee2 is None):
        raise typer.BadParameter("give either --source or --dee2")
    if accessions is not None and dee2 is None:
        raise typer.BadParameter("--accessions goes with --dee2")
    given = _folder_source(source) if source else _dee2_source(dee2 or "", accessions)
    path = create_workspace(directory, genes, given, ontology=ontology, annotation=annotation)
    typer.echo(f"wrote {path}")
    typer.echo(f"next: dexome run --workspace {directory}")


def _folder_source(source: str) -> Path | SourceConfig:
    if not is_address(source):
        return Path(source)
    try:
        return SourceConfig(address=source.rstrip("/"))
    except ValueError as error:
        raise InputError(str(error)) from None


def _dee2_source(species: str, accessions: str | None) -> SourceConfig:
    given: Path | tuple[str, ...] = ()
    if accessions is not None:
        file = Path(accessions)
        names = tuple(filter(None, map(str.strip, accessions.split(","))))
        given = file if file.is_file() else names
        if not names:
            raise InputError(
                "--accessions names no project or series; leave it out for all of the species"
            )
    try:
        source = SourceConfig(kind="dee2", species=species, accessions=given)
    except ValueError as error:
        raise InputError(str(error)) from error
    # What is none, or a file that is not there, is told before anything is written.
    read_accessions(source)
    return source

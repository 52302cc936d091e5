"""The documents say what is true."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from storage.enrichment_schema import (
    CONTRAST_NUMBERS,
    CONTRAST_TERM_STATISTICS,
    TERM_COLUMNS,
    TERM_STATISTICS,
)
from storage.halves_schema import HALVES_LABELS, HALVES_STATISTICS
from storage.schema import (
    CONTRAST_COLUMNS,
    GENE_COLUMNS,
    SAMPLE_COLUMNS,
    STATISTICS,
    STUDY_COLUMNS,
    STUDY_STATISTICS,
    Variable,
)
from storage.split_schema import SPLIT_CONTRASTS, SPLIT_GENES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


CONTRASTS_STORE = (
    *STATISTICS,
    *GENE_COLUMNS,
    *CONTRAST_COLUMNS,
    *STUDY_STATISTICS,
    *STUDY_COLUMNS,
    *SAMPLE_COLUMNS,
)
SPLIT_STORE = (*SPLIT_CONTRASTS, *SPLIT_GENES)
HALVES_STORE = (*HALVES_STATISTICS, *HALVES_LABELS)
ENRICHMENT_STORE = (
    *TERM_STATISTICS,
    *CONTRAST_TERM_STATISTICS,
    *CONTRAST_NUMBERS,
    *TERM_COLUMNS,
)


@pytest.mark.parametrize(
    ("page", "variables"),
    [
        ("compendium.md", CONTRASTS_STORE),
        ("terms.md", ENRICHMENT_STORE),
        ("training.md", (*SPLIT_STORE, *HALVES_STORE)),
    ],
)
def test_every_array_of_the_schema_is_described_and_no_other(
    page: str, variables: tuple[Variable, ...]
) -> None:
    wanted = [
        f"| `{v.name}` | {', '.join(v.dims)} | {v.dtype} | {v.unit} | {v.long_name} |"
        for v in variables
    ]
    lines = (ROOT / "docs" / page).read_text().splitlines()
    assert [line for line in lines if line.startswith("| `") and line.count("|") == 6] == wanted


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_exists(page: Path) -> None:
    fences = re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    told = set(re.findall(r"`dexome ([a-z]+)", page.read_text()))
    told |= set(re.findall(r"^(?:\S*bin/)?dexome ([a-z]+) ", "\n".join(fences), re.MULTILINE))
    known = {command.name for command in app.registered_commands} | {"query", "cluster"}
    assert told <= known
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0

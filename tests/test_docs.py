"""The documents say what is true."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from storage.schema import (
    CONTRAST_COLUMNS,
    GENE_COLUMNS,
    SAMPLE_COLUMNS,
    STATISTICS,
    STUDY_COLUMNS,
    STUDY_STATISTICS,
)

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_array_of_the_schema_is_described_and_no_other() -> None:
    groups = (
        STATISTICS + GENE_COLUMNS + CONTRAST_COLUMNS,
        STUDY_STATISTICS + STUDY_COLUMNS,
        SAMPLE_COLUMNS,
    )
    wanted = [
        f"| `{v.name}` | {', '.join(v.dims)} | {v.dtype} | {v.unit} | {v.long_name} |"
        for variables in groups
        for v in variables
    ]
    text = (ROOT / "docs" / "compendium.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("| `")] == wanted


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_exists(page: Path) -> None:
    fences = re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    told = set(re.findall(r"`dexome ([a-z]+)", page.read_text()))
    told |= set(re.findall(r"^(?:\S*bin/)?dexome ([a-z]+) ", "\n".join(fences), re.MULTILINE))
    known = {command.name for command in app.registered_commands} | {"query"}
    assert told <= known
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0

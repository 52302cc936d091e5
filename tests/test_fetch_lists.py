"""What is asked for, and the lists that tell where it is: nothing lost, nothing misunderstood."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.simulate.mirror import write_mirror
from pipeline.sources.settings import SourceConfig, read_accessions
from storage.errors import InputError
from tests.support.fetched import SMALL, fetch_into, source_in, source_of, workspace_of
from tests.support.mirror_server import serve

TWO = "SRP990000003"  # of two platforms
LISTS = ("mmusculus_metadata.tsv.cut", "mmusculus_metadata.tsv")


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    path = tmp_path / "mirror"
    write_mirror(path, replace(SMALL, n_studies=4), bulk=False)
    return path


def test_a_series_that_only_the_table_of_projects_knows_is_found(
    mirror: Path, tmp_path: Path
) -> None:
    for name in LISTS:
        path = mirror / "dee2" / "metadata" / name
        path.write_text(re.sub(r"\bGSE99000001\b", "NA", path.read_text()))
    workspace = workspace_of(
        tmp_path / "ws", mirror, source_of(mirror, accessions=("GSE99000001",))
    )
    assert fetch_into(workspace).refused == {}
    assert source_in(workspace).studies() == ["SRP990000001"]
    assert "biosample" in source_in(workspace).read("SRP990000001").samples.columns


@pytest.mark.parametrize("offline", [False, True])
def test_a_mirror_without_pages_is_as_good(mirror: Path, tmp_path: Path, offline: bool) -> None:
    wanted = workspace_of(tmp_path / "wanted", mirror, source_of(mirror))
    fetch_into(wanted)
    bare = tmp_path / "bare"
    shutil.copytree(mirror, bare)
    for page in bare.rglob("index.html"):
        page.unlink()
    # Of what has a bundle nothing is to be asked for, and SOFT files are not what is wanted.
    shutil.rmtree(bare / "dee2" / "cgi-bin")
    for soft in bare.rglob("*.soft.gz"):
        soft.unlink()
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(bare, offline=offline))
    if offline:
        for name in ("dee2", "geo"):
            shutil.copytree(bare / name, workspace.raw.root / name)
    else:
        shutil.copytree(mirror / "dee2" / "cgi-bin", bare / "dee2" / "cgi-bin")
    refused = fetch_into(workspace).refused
    assert set(refused) == ({TWO} if offline else set())
    for study in set(source_in(wanted).studies()) - set(refused):
        given, want = source_in(workspace).read(study), source_in(wanted).read(study)
        assert given.samples.equals(want.samples.loc[given.samples.index, given.samples.columns])
        assert given.flags == want.flags


def test_a_page_without_bundles_does_not_replace_the_listing_that_has_them(
    mirror: Path, tmp_path: Path
) -> None:
    with serve(mirror) as server:
        one = source_of(server.address, accessions=("SRP990000000",))
        fetch_into(workspace_of(tmp_path / "ws", mirror, one))
        page = mirror / "dee2" / "huge" / "mmusculus" / "index.html"
        page.write_text('<html><a href="http://portal/login">log in</a></html>')
        server.asked.clear()
        workspace = workspace_of(tmp_path / "ws", mirror, source_of(server.address))
        assert fetch_into(workspace).refused == {}
        bundles = [path for path, _ in server.asked if path.endswith(".zip")]
    assert len(bundles) == 2
    assert "SRP990000001" in (workspace.raw.root / page.relative_to(mirror)).read_text()


def test_every_accession_that_is_not_known_is_named(mirror: Path, tmp_path: Path) -> None:
    unknown = tuple(f"SRP1{i}" for i in range(40))
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, accessions=unknown))
    with pytest.raises(InputError, match="take them from accessions") as error:
        fetch_into(workspace)
    assert all(name in str(error.value) for name in unknown)


def test_two_accessions_in_one_line_are_refused_and_a_note_is_not(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    settings = source_of(tmp_path, accessions=listed)
    for line in ("SRP1 SRP2", "SRP1\tGSE2", "SRP1 GSE2, GSE3"):
        listed.write_text(f"{line}\nSRP3\n")
        with pytest.raises(InputError, match="in one line; write one accession a line"):
            read_accessions(settings)
    listed.write_text("SRP1  my first # a series of GSE2\nSRP3 # SRP4\n")
    assert read_accessions(settings) == ("SRP1", "SRP3")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (",", "names no project or series; leave it out"),
        ("", "names no project or series; leave it out"),
        ("nolist.txt", "'nolist.txt' is no accession"),
        ("SRP1, srp2", "'srp2' is no accession"),
    ],
)
def test_init_takes_no_accessions_that_are_none(tmp_path: Path, given: str, says: str) -> None:
    genes = tmp_path / "genes.tsv"
    genes.write_text("gene_id\nENSMUSG00000000001\n")
    base = ["init", str(tmp_path / "ws"), "--genes", str(genes), "--dee2", "mmusculus"]
    done = CliRunner().invoke(app, [*base, "--accessions", given])
    assert isinstance(done.exception, InputError)
    assert says in str(done.exception)
    assert not (tmp_path / "ws" / "dexome.toml").exists()
    assert CliRunner().invoke(app, [*base, "--accessions", "SRP1, GSE2 "]).exit_code == 0
    assert '"SRP1", "GSE2"' in (tmp_path / "ws" / "dexome.toml").read_text()


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/s\u00fcd", "http://a..b", "http://[::1/x", "http://127.0.0.1:99999",
        "https://user:s3cret@host", "http://host/my mirror", "http://", "ftp://host",
    ],
)  # fmt: skip
def test_an_address_that_can_t_be_asked_is_refused_before_anything_is(address: str) -> None:
    for name in ("dee2", "geo"):
        given: dict[str, Any] = {name: address}
        with pytest.raises(ValueError, match=name) as error:
            SourceConfig(kind="dee2", **given)
        assert "s3cret" not in str(error.value)


def test_addresses_of_servers_and_folders_are_taken() -> None:
    for address in ("https://dee2.io", "http://127.0.0.1:80/a/b", "http://[::1]:8080", "my/folder"):
        assert SourceConfig(kind="dee2", dee2=address).dee2 == address

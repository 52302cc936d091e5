"""`[source]` of a new `dexome.toml`, with the settings that one may want to change as comments."""

from pathlib import Path

from pipeline.sources.settings import DEE2, GEO, SourceConfig
from storage.errors import InputError

FOLDER_TEMPLATE = """\
# A folder with one sub-folder for each study: counts.tsv.gz (genes x samples) and samples.tsv.
[source]
kind = "folder"
path = {path}
"""

DEE2_TEMPLATE = """\
# Projects of DEE2, with what GEO says of their samples; `dexome fetch` brings them into raw/.
[source]
kind = "dee2"
species = {species}
{accessions}
# dee2 = "https://dee2.io"                        # or a mirror: an address, or a folder
# geo = "https://ftp.ncbi.nlm.nih.gov/geo"
# counts = "archives"      # one file for each project; "bulk": the one file of all
# layer = "star"           # or "kallisto", summed to genes
# fail_runs = "drop"       # runs that DEE2 flags FAIL
# warn_runs = "keep"
# max_runs = 1000          # larger projects are left out: most are of single cells
# run_tables = "sra"       # a folder of SRA's run tables, SRP154127.csv, for what GEO does not know
# raw = "s3://bucket/raw"   # keep the downloads there, not in raw/
# offline = false          # true: use what is in raw/, ask no server
"""


def source_text(source: Path | SourceConfig) -> str:
    """`[source]` of a new workspace: a folder, or the settings of another source.

    Raises
    ------
    InputError
        There is no such folder.
    """
    if isinstance(source, Path):
        if not source.is_dir():
            raise InputError(f"{source} is no folder; give the folder of studies with --source")
        return FOLDER_TEMPLATE.format(path=quoted(source.resolve()))
    if source.address:
        return FOLDER_TEMPLATE.format(path=quoted(source.address))
    given = source.accessions
    if isinstance(given, Path):
        told = f"accessions = {quoted(given.resolve())}   # a file, one a line"
    elif given:
        told = f"accessions = [{', '.join(map(quoted, given))}]"
    else:
        told = '# accessions = ["SRP154127", "GSE60450"]        # or a file of them; without: all'
    text = DEE2_TEMPLATE.format(species=quoted(source.species), accessions=told)
    for name, value, default in (("dee2", source.dee2, DEE2), ("geo", source.geo, GEO)):
        if value != default:
            lines = text.splitlines(keepends=True)
            at = next(i for i, line in enumerate(lines) if line.startswith(f"# {name} = "))
            lines[at] = f"{name} = {quoted(value)}\n"
            text = "".join(lines)
    return text


def quoted(text: Path | str) -> str:
    """A path or text as a TOML string."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

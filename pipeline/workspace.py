"""A workspace: the folder that holds a configuration and everything that is made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import CONFIG_NAME, TEMPLATE, Config, read_config
from storage.disk import Disk
from storage.errors import InputError
from storage.genes import GeneList, read_gene_list


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with a `dexome.toml`, opened."""

    root: Path
    config: Config

    @property
    def disk(self) -> Disk:
        """Its disk, for commits."""
        return Disk(self.root)

    def read_genes(self) -> GeneList:
        """Its gene axis."""
        return read_gene_list(self.config.genes.list)


def open_workspace(root: Path) -> Workspace:
    """Open the workspace at `root`.

    Raises
    ------
    InputError
        There is none, or its configuration is refused.
    """
    if not root.is_dir():
        raise InputError(f"{root} is no folder; run `dexome init {root}` to make a workspace there")
    return Workspace(root.resolve(), read_config(root))


def create_workspace(
    root: Path,
    genes: Path,
    source: Path,
    *,
    ontology: Path | None = None,
    annotation: Path | None = None,
) -> Path:
    """Write the first `dexome.toml` of a workspace; return its path.

    With an `annotation` (and, unless that is GMT, an `ontology`) its contrasts are tested for terms.

    Raises
    ------
    InputError
        There is one already, or a file or folder is not there.
    """
    path = root / CONFIG_NAME
    if path.exists():
        raise InputError(f"{path} is there already; edit it, or choose another folder")
    if not genes.is_file():
        raise InputError(f"{genes} is no file; give the table of the gene axis with --genes")
    if not source.is_dir():
        raise InputError(f"{source} is no folder; give the folder of studies with --source")
    enrich = {"ontology": ontology, "annotation": annotation}
    for name, file in enrich.items():
        if file is not None and not file.is_file():
            raise InputError(f"{file} is no file; give the {name} with --{name}")
    if ontology is not None and annotation is None:
        raise InputError("--ontology needs an --annotation: which gene has which term")
    text = TEMPLATE.format(
        genes=_quoted(genes.resolve()),
        source=_quoted(source.resolve()),
        enrich=_enrich_table(enrich),
    )
    Disk(root).put(CONFIG_NAME, text.encode())
    return path


def _enrich_table(files: Mapping[str, Path | None]) -> str:
    """The table `[enrich]`, commented out without an annotation."""
    lines = ["[enrich]", *(f"{k} = {_quoted(v.resolve())}" for k, v in files.items() if v)]
    if files["annotation"] is None:
        lines = ["# [enrich]", '# ontology = "go-basic.obo"', '# annotation = "mgi.gaf.gz"']
    return "\n".join(lines)


def _quoted(path: Path) -> str:
    """A path as a TOML string."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

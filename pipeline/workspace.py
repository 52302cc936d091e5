"""A workspace: the folder that holds a configuration and everything that is made from it."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.config import CONFIG_NAME, Config, read_config
from pipeline.first_config import first_config
from pipeline.sources.settings import RAW, SourceConfig
from storage.disk import Disk
from storage.errors import InputError
from storage.files import Files
from storage.genes import GeneList, read_gene_list

# In the workspace: what machines leave, logs of jobs, performance reports, certificates of a run.
CLUSTER_FOLDER = "cluster"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with a `dexome.toml`, opened."""

    root: Path
    config: Config

    @property
    def disk(self) -> Files:
        """Where plan, parts, compendium and training copies are: in the folder, or in a bucket."""
        return self.config.files(self.root)

    @property
    def local(self) -> Disk:
        """The folder itself, where models are."""
        return Disk(self.root)

    @property
    def raw(self) -> Disk:
        """The disk of what is downloaded."""
        return Disk(self.root / RAW)

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


def compendium_files(root: Path) -> Files:
    """Where the compendium of a folder is: in it, unless its configuration names a bucket."""
    return open_workspace(root).disk if (root / CONFIG_NAME).is_file() else Disk(root)


def create_workspace(
    root: Path,
    genes: Path,
    source: Path | SourceConfig,
    *,
    ontology: Path | None = None,
    annotation: Path | None = None,
    more: str = "",
) -> Path:
    """Write the first `dexome.toml` of a workspace; return its path.

    With an `annotation` (and, unless that is GMT, an `ontology`) its contrasts are tested for terms.

    Parameters
    ----------
    source
        A folder of studies, or the settings of another source.
    more
        Text of further tables, at the end.

    Raises
    ------
    InputError
        There is one already, or a file or folder is not there or can't be used.
    """
    path = root / CONFIG_NAME
    if path.exists():
        raise InputError(f"{path} is there already; edit it, or choose another folder")
    if not genes.is_file():
        raise InputError(f"{genes} is no file; give the table of the gene axis with --genes")
    read_gene_list(genes)
    files = {"ontology": ontology, "annotation": annotation}
    text = first_config(genes, source, files) + more
    Disk(root).put(CONFIG_NAME, text.encode())
    return path

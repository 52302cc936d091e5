"""What a task needs to know of its study, small enough to be sent to a worker."""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

from pipeline.config import Config
from pipeline.curate.settings import CurateSettings, StudyDesign
from pipeline.dea.settings import ENGINE_VERSION, DeaSettings
from pipeline.sources.genes import GeneIndex, MappingSettings, ensembl_prefix
from pipeline.sources.settings import SourceConfig
from pipeline.sources.source import Source, fetch_study, make_source, sources_by_study
from pipeline.sources.species import OF_ENSEMBL, SPECIES
from storage.files import Files
from storage.genes import GeneList, read_gene_list
from storage.hashing import hash_json
from storage.schema import SCHEMA_VERSION

# Bump when the plan of an unchanged study would come out otherwise.
PLAN_VERSION = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyTask:
    """One study and all that its plan and its analysis depend on."""

    disk: Files
    study: str
    source: Source
    gene_list: Path
    gene_list_sha256: str
    gene_names_sha256: str
    mapping: MappingSettings
    curate: CurateSettings
    design: StudyDesign
    dea: DeaSettings

    def fetch(self) -> None:
        """Bring the study's files to this machine, where they are elsewhere."""
        fetch_study(self.source, self.study)

    def plan_key(self, fingerprint: str) -> str:
        """Key of the study's plan: what it was made from, files by their fingerprint."""
        return hash_json(
            {
                "plan": [PLAN_VERSION, SCHEMA_VERSION, ENGINE_VERSION],
                "study": self.study,
                "fingerprint": fingerprint,
                "genes": self.gene_names_sha256,
                "mapping": asdict(self.mapping),
                "curate": asdict(self.curate),
                "design": asdict(self.design),
                "dea": asdict(self.dea),
            }
        )


def make_tasks(workspace: Path, config: Config, genes: GeneList) -> list[StudyTask]:
    """One task for each study of the source."""
    sources = sources_by_study(make_source(config.source, workspace))
    disk = config.files(workspace)
    # Once: to hash fifty thousand ids takes a millisecond, and there may be many studies.
    sha256, names_sha256 = genes.sha256, genes.names_sha256
    curate = config.curate
    if curate.organism is None:
        curate = replace(curate, organism=_organism(config.source, genes))
    return [
        StudyTask(
            disk=disk,
            study=study,
            source=source,
            gene_list=config.genes.list,
            gene_list_sha256=sha256,
            gene_names_sha256=names_sha256,
            mapping=config.mapping,
            curate=curate,
            design=config.design(study),
            dea=config.dea,
        )
        for study, source in sources.items()
    ]


def _organism(source: SourceConfig, genes: GeneList) -> str:
    """The organism of the samples, as far as the source or the gene axis tells; empty: any."""
    if source.kind == "dee2":
        return SPECIES[source.species].organism
    found = OF_ENSEMBL.get(ensembl_prefix(genes.ids))
    return found.organism if found else ""


@lru_cache(maxsize=2)
def gene_index(path: Path, names_sha256: str) -> GeneIndex:
    """The index of a gene list, made once in each worker."""
    genes = read_gene_list(path)
    if genes.names_sha256 != names_sha256:
        raise RuntimeError(f"{path} changed while it was in use; run the command again")
    return GeneIndex.from_list(genes)

"""dexome.toml: the only reader of TOML; a key that we don't know is refused with the nearest that we do."""

import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from cluster.profile import ClusterProfile
from pipeline.curate.curate import CurateSettings
from pipeline.dea.settings import DeaSettings
from pipeline.enrich.annotation import EvidenceRules
from pipeline.enrich.ontology import Relations
from pipeline.enrich.settings import EnrichSettings
from pipeline.sources.genes import MappingSettings
from pipeline.sources.settings import SourceConfig
from storage.errors import InputError

CONFIG_NAME = "dexome.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class GenesConfig:
    """`[genes]`: `list` names the table whose ids, in its order, are the gene axis."""

    list: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrichConfig:
    """`[enrich]`: the files that say which gene has which term, and how they are used.

    `annotation` is GAF, gene2go, GMT or a table of gene and term; all but GMT need an `ontology` (OBO).
    Without `evidence.taxon` that of the gene axis is taken, where its ids tell it.
    """

    annotation: Path
    ontology: Path | None = None
    relations: Relations = Relations.all
    evidence: EvidenceRules = field(default_factory=EvidenceRules)
    tests: EnrichSettings = field(default_factory=EnrichSettings)


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """All of `dexome.toml`; `studies` overrules `curate` for the study of that name."""

    genes: GenesConfig
    source: SourceConfig
    mapping: MappingSettings = field(default_factory=MappingSettings)
    curate: CurateSettings = field(default_factory=CurateSettings)
    studies: dict[str, CurateSettings] = field(default_factory=dict)
    dea: DeaSettings = field(default_factory=DeaSettings)
    enrich: EnrichConfig | None = None
    cluster: dict[str, ClusterProfile] = field(default_factory=dict)

    def curate_settings(self, study: str) -> CurateSettings:
        """How the samples of `study` are read."""
        return self.studies.get(study, self.curate)

    def profile(self, name: str | None) -> ClusterProfile:
        """The cluster profile called `name`; without a name the only one, or this machine's cores."""
        if name is None:
            return next(iter(self.cluster.values())) if len(self.cluster) == 1 else ClusterProfile()
        if name not in self.cluster:
            known = ", ".join(self.cluster) or "none"
            raise InputError(f"no [cluster.{name}] in {CONFIG_NAME}; there is {known}")
        return self.cluster[name]

    def scientific(self) -> dict[str, Any]:
        """The settings that decide the compendium's numbers: no path, no machine."""
        return {
            "source": self.source.scientific(),
            "mapping": asdict(self.mapping),
            "curate": asdict(self.curate),
            "studies": {name: asdict(settings) for name, settings in sorted(self.studies.items())},
            "dea": asdict(self.dea),
        }


def read_config(workspace: Path) -> Config:
    """Read a workspace's `dexome.toml`; its paths are relative to it.

    Raises
    ------
    InputError
        No such file, not TOML, an unknown key (with the nearest known one), or a value that is refused.
    """
    path = workspace / CONFIG_NAME
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{workspace} has no {CONFIG_NAME}; run `dexome init {workspace}`"
        ) from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    _check_keys(path, table, Config, "")
    try:
        config = TypeAdapter(Config).validate_python(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{path}: {where}: {what}") from error
    return replace(
        config,
        enrich=_resolve_enrich(workspace, config.enrich),
        genes=replace(config.genes, list=_resolved(workspace, config.genes.list)),
        source=_resolve_source(workspace, config.source),
    )


def _resolve_source(workspace: Path, source: SourceConfig) -> SourceConfig:
    if source.kind == "folder":
        return replace(source, path=_resolved(workspace, source.path))
    given = source.accessions
    return replace(
        source,
        accessions=_resolved(workspace, given) if isinstance(given, Path) else given,
        run_tables=_resolved(workspace, source.run_tables) if source.run_tables else None,
        dee2=_resolved_address(workspace, source.dee2),
        geo=_resolved_address(workspace, source.geo),
    )


def _resolve_enrich(workspace: Path, enrich: EnrichConfig | None) -> EnrichConfig | None:
    return enrich and replace(
        enrich,
        annotation=_resolved(workspace, enrich.annotation),
        ontology=enrich.ontology and _resolved(workspace, enrich.ontology),
    )


def _resolved_address(workspace: Path, address: str) -> str:
    """An address, or the path of a folder that holds a mirror."""
    return address.rstrip("/") if "://" in address else str(_resolved(workspace, Path(address)))


def _resolved(workspace: Path, path: Path) -> Path:
    return (workspace / path.expanduser()).resolve()


def _check_keys(path: Path, table: dict[str, Any], kind: type, where: str) -> None:
    """Refuse every key of `table` that is no field of the dataclass `kind`, at any depth."""
    known = [item.name for item in fields(kind)]
    hints = get_type_hints(kind)
    for key, value in table.items():
        name = f"{where}{key}"
        if key not in known:
            near = get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {where}{near[0]}?" if near else f"known are {', '.join(known)}"
            raise InputError(f"{path}: unknown key {name}; {hint}")
        hint_type = hints[key]
        if isinstance(hint_type, UnionType):
            hint_type = next(kind for kind in get_args(hint_type) if kind is not NoneType)
        if is_dataclass(hint_type) and isinstance(hint_type, type):
            if not isinstance(value, dict):
                raise InputError(f"{path}: {name} must be a table, [{name}], got {value!r}")
            _check_keys(path, value, hint_type, f"{name}.")
        elif get_origin(hint_type) is dict and isinstance(value, dict):
            member = get_args(hint_type)[1]
            for item, inner in value.items():
                if not isinstance(inner, dict):
                    raise InputError(f"{path}: {name}.{item} must be a table, [{name}.{item}]")
                _check_keys(path, inner, member, f"{name}.{item}.")

"""dexome.toml: the only reader of TOML; a key that we don't know is refused with the nearest that we do."""

import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from cluster.profile import SIZED_ELSEWHERE, ClusterProfile
from model.recipe import Recipe
from model.sweeps.settings import SweepSettings
from pipeline.curate.settings import CurateSettings, StudyDesign
from pipeline.dea.settings import DeaSettings
from pipeline.enrich.annotation import EvidenceRules
from pipeline.enrich.ontology import Relations
from pipeline.enrich.settings import EnrichSettings
from pipeline.memory import BASE_BYTES, GIB
from pipeline.prepare.settings import PrepareSettings
from pipeline.sources.genes import MappingSettings
from pipeline.sources.settings import SourceConfig, name_address
from storage.bucket import Bucket
from storage.disk import Disk
from storage.errors import InputError
from storage.files import Files

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
class StorageConfig:
    """`[storage]`: the bucket that plan, parts, compendium and training copies are in.

    `address` is such as s3://bucket/prefix; credentials come from the environment. `endpoint` (an http
    address) and `region` are for other stores than Amazon's. `single_writer` promises that nothing else
    writes there, for a store that does not keep conditional puts.
    """

    address: str
    endpoint: str | None = None
    region: str | None = None
    single_writer: bool = False

    def __post_init__(self) -> None:
        try:
            self.bucket()
        except InputError as error:
            raise ValueError(str(error)) from None

    def bucket(self) -> Bucket:
        """The bucket."""
        return Bucket(self.address, self.endpoint, self.region, self.single_writer)


@dataclass(frozen=True, kw_only=True, slots=True)
class DesignsConfig:
    """`[designs]`: `file` names a TOML file with one table for each study that a person has a say in."""

    file: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """All of `dexome.toml`; `studies` says what a person says of single studies, `designs` where more is.

    With `train`, `dexome run` trains a model too.
    """

    genes: GenesConfig
    source: SourceConfig
    storage: StorageConfig | None = None
    mapping: MappingSettings = field(default_factory=MappingSettings)
    curate: CurateSettings = field(default_factory=CurateSettings)
    designs: DesignsConfig | None = None
    studies: dict[str, StudyDesign] = field(default_factory=dict)
    dea: DeaSettings = field(default_factory=DeaSettings)
    enrich: EnrichConfig | None = None
    prepare: PrepareSettings = field(default_factory=PrepareSettings)
    train: Recipe | None = None
    sweep: SweepSettings = field(default_factory=SweepSettings)
    cluster: dict[str, ClusterProfile] = field(default_factory=dict)

    def files(self, workspace: Path) -> Files:
        """Where the compendium of a workspace is: in its folder, or in the bucket of `[storage]`."""
        return Disk(workspace) if self.storage is None else self.storage.bucket()

    def design(self, study: str) -> StudyDesign:
        """What a person says of `study`."""
        return self.studies.get(study, StudyDesign())

    def profile(self, name: str | None) -> ClusterProfile:
        """The cluster profile called `name`; without a name the only one, or this machine's cores."""
        if name is None:
            if len(self.cluster) != 1:
                return ClusterProfile()
            (name,) = self.cluster
        if name not in self.cluster:
            known = ", ".join(self.cluster) or "none"
            raise InputError(f"no [cluster.{name}] in {CONFIG_NAME}; there is {known}")
        profile = self.cluster[name]
        threads = profile.threads_per_worker
        shared = f", for each of its {threads} threads" if threads > 1 else ""
        if profile.memory_gib * GIB < BASE_BYTES * threads and profile.kind not in SIZED_ELSEWHERE:
            raise InputError(
                f"memory_gib = {profile.memory_gib:g} of [cluster.{name}]: a worker takes "
                f"{BASE_BYTES / GIB:.2f} GiB before its first task{shared}; give it more"
            )
        return profile

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
    if not path.exists():
        raise InputError(f"{workspace} has no {CONFIG_NAME}; run `dexome init {workspace}`")
    table = _read_toml(path)
    _check_keys(path, table, Config, "")
    try:
        name_address(table.get("source", {}))
    except ValueError as error:
        raise InputError(f"{path}: source: {error}") from None
    config: Config = _validated(path, table, Config)
    studies = config.studies
    if config.designs is not None:
        designs = read_designs(_resolved(workspace, config.designs.file))
        if twice := sorted(designs.keys() & studies.keys()):
            raise InputError(
                f"{path}: [studies.{twice[0]}] is also in {config.designs.file}; keep one of them"
            )
        studies = {**designs, **studies}
    return replace(
        config,
        studies=studies,
        enrich=_resolve_enrich(workspace, config.enrich),
        genes=replace(config.genes, list=_resolved(workspace, config.genes.list)),
        source=_resolve_source(workspace, config.source, config.storage),
        cluster={name: _resolve_tls(workspace, p) for name, p in config.cluster.items()},
    )


def read_designs(path: Path) -> dict[str, StudyDesign]:
    """Read a file of designs: one table for each study.

    Raises
    ------
    InputError
        No such file, not TOML, an unknown key (with the nearest known one), or a value that is refused.
    """
    table = _read_toml(path)
    for study, design in table.items():
        if not isinstance(design, dict):
            raise InputError(f"{path}: {study} must be a table, [{study}], got {design!r}")
        _check_keys(path, design, StudyDesign, f"{study}.")
    return {
        study: _validated(path, design, StudyDesign, f"{study}.") for study, design in table.items()
    }


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error


def _validated(path: Path, table: dict[str, Any], kind: Any, where: str = "") -> Any:
    """The dataclass of a table, or one sentence on its first wrong value."""
    try:
        return TypeAdapter(kind).validate_python(table)
    except ValidationError as error:
        first = error.errors()[0]
        # Where a value may be of several types, the step after its name is a type's.
        steps = [str(step) for step in first["loc"] if not str(step).startswith(("dict[", "list["))]
        name = where + ".".join(step for step in steps if step not in ("str", "int", "bool"))
        what = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{path}: {name.rstrip('.')}: {what}") from error


def _resolve_source(
    workspace: Path, source: SourceConfig, storage: StorageConfig | None
) -> SourceConfig:
    if storage is not None and source.is_remote:
        endpoint, region = source.endpoint or storage.endpoint, source.region or storage.region
        source = replace(source, endpoint=endpoint, region=region)
    if source.address:
        return source
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


def _resolve_tls(workspace: Path, profile: ClusterProfile) -> ClusterProfile:
    return replace(
        profile,
        tls_ca_file=profile.tls_ca_file and _resolved(workspace, profile.tls_ca_file),
        tls_cert_file=profile.tls_cert_file and _resolved(workspace, profile.tls_cert_file),
        tls_key_file=profile.tls_key_file and _resolved(workspace, profile.tls_key_file),
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
        hint_type = _without_none(hints[key])
        if is_dataclass(hint_type) and isinstance(hint_type, type):
            if not isinstance(value, dict):
                raise InputError(f"{path}: {name} must be a table, [{name}], got {value!r}")
            _check_keys(path, value, hint_type, f"{name}.")
        elif (
            get_origin(hint_type) is dict
            and isinstance(value, dict)
            and is_dataclass(member := get_args(hint_type)[1])
        ):
            assert isinstance(member, type)
            for item, inner in value.items():
                if not isinstance(inner, dict):
                    raise InputError(f"{path}: {name}.{item} must be a table, [{name}.{item}]")
                _check_keys(path, inner, member, f"{name}.{item}.")


def _without_none(hint: Any) -> Any:
    """The type of a value that may also be absent."""
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else hint
    return hint

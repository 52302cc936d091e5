"""Does a cluster do for a workspace? One finding for each thing that must be so."""

import hashlib
import uuid
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from distributed import Client

from pipeline.config import CONFIG_NAME
from pipeline.sources.remote import RemoteSource
from pipeline.sources.remote_dee2 import RemoteDee2Source
from pipeline.sources.source import make_source, why_unreadable
from pipeline.stages.probe import Sight, installed_versions, look, try_files
from pipeline.workspace import CLUSTER_FOLDER, Workspace

_ANSWER_S = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether something is as it must be; `message` says what was found, and the cure where it is not."""

    name: str
    good: bool
    message: str


# Address of a worker that is a thread of the driver, whose path is the command's.
_THIS_PROCESS = "inproc:"


def examine_workers(client: Client, workspace: Workspace) -> list[Finding]:
    """Ask every worker that is up what it is and what it sees of the workspace."""
    try:
        client.run(version, "dexome")
    except Exception as error:
        # The worker can't even say what it lacks.
        return [
            Finding(
                "dexome",
                False,
                f"the worker has no dexome ({type(error).__name__}: {error}); install it in the Python that "
                "starts the workers, with the same constraints.txt",
            )
        ]
    folder = workspace.root / CLUSTER_FOLDER
    folder.mkdir(exist_ok=True)
    token = uuid.uuid4().hex
    probe = folder / f".probe-{token}"
    config = workspace.root / CONFIG_NAME
    probe.write_text(token)
    try:
        sights = client.run(look, config, probe, _inputs(workspace), on_error="return")
    finally:
        probe.unlink(missing_ok=True)
    own = hashlib.sha256(config.read_bytes()).hexdigest()
    findings: list[Finding] = []
    for address, sight in sights.items():
        if not isinstance(sight, Sight):
            findings.append(_no_answer("workspace", address, sight))
            continue
        findings += [
            _python(sight),
            _versions(sight),
            _workspace(sight, workspace.root, own, token),
            _rights(sight),
            _sources(sight),
        ]
        if not address.startswith(_THIS_PROCESS):
            findings.append(_safe_path(sight))
        for name, ask in (("storage", _bucket), ("studies", _remote_studies)):
            try:
                findings += ask(client, address, sight, workspace)
            except Exception as error:
                # What a worker can die of, or raise, has no common class.
                findings.append(_no_answer(name, sight.host, error))
    return list(dict.fromkeys(findings))


def _no_answer(name: str, who: str, error: BaseException) -> Finding:
    told = f"{who} could not look: {type(error).__name__}: {error}; see its log"
    return Finding(name, False, told)


def _inputs(workspace: Workspace) -> list[Path]:
    """Files and folders outside the workspace that tasks read."""
    config = workspace.config
    paths = [config.genes.list]
    if config.source.kind == "folder" and not config.source.address:
        paths.append(config.source.path)
    return paths


def _bucket(client: Client, address: str, sight: Sight, workspace: Workspace) -> list[Finding]:
    """Whether a worker can write, read and delete in the bucket, with the credentials that it has."""
    if workspace.config.storage is None:
        return []
    (problem,) = client.run(try_files, workspace.disk, workers=[address]).values()
    where = workspace.disk.address()
    told = f"{sight.host} {problem}" if problem else f"{sight.host} writes and deletes in {where}"
    return [Finding("storage", not problem, told)]


def _remote_studies(
    client: Client, address: str, sight: Sight, workspace: Workspace
) -> list[Finding]:
    """Whether a worker can read studies that are on remote storage, with the credentials that it has."""
    source = make_source(workspace.config.source, workspace.root)
    if not isinstance(source, RemoteSource | RemoteDee2Source):
        return []
    asked = client.submit(why_unreadable, source, workers=[address], pure=False)
    # Of a worker that is gone meanwhile no answer would ever come.
    why: str = asked.result(timeout=_ANSWER_S)
    if why:
        return [Finding("studies", False, f"{sight.host} can't read the studies: {why}")]
    return [Finding("studies", True, f"{sight.host} reads {workspace.config.source.place}")]


def _python(sight: Sight) -> Finding:
    import platform

    here = platform.python_version()
    good = sight.python.rpartition(".")[0] == here.rpartition(".")[0]
    cure = "" if good else f", the driver {here}; name a Python of the same version for the workers"
    return Finding("python", good, f"{sight.host} has Python {sight.python}{cure}")


def _versions(sight: Sight) -> Finding:
    here = installed_versions()
    other = [
        f"{name} {sight.versions[name] or 'missing'} (driver: {here[name]})"
        for name in here
        if sight.versions[name] != here[name]
    ]
    if other:
        told = f"{sight.host} has {', '.join(other)}; install both from one constraints.txt"
        return Finding("versions", False, told)
    return Finding(
        "versions", True, f"{sight.host} has the driver's versions of {len(here)} packages"
    )


def _safe_path(sight: Sight) -> Finding:
    if sight.safe_path:
        return Finding("safe path", True, f"{sight.host} runs with PYTHONSAFEPATH")
    told = (
        f"{sight.host} runs without PYTHONSAFEPATH: a folder named storage or model would take the place of "
        "the package; start its workers with PYTHONSAFEPATH=1"
    )
    return Finding("safe path", False, told)


def _workspace(sight: Sight, root: Path, config: str, token: str) -> Finding:
    if not sight.config:
        told = f"{sight.host} does not see {root / CONFIG_NAME}; put the workspace where all machines see it"
    elif sight.config != config:
        told = f"{sight.host} sees another {root / CONFIG_NAME} than the driver; it must be the same folder"
    elif sight.question != token:
        told = f"{sight.host} does not see what the driver writes into {root}; it must be the same folder"
    else:
        return Finding("workspace", True, f"{sight.host} sees {root}")
    return Finding("workspace", False, told)


def _rights(sight: Sight) -> Finding:
    if sight.problem:
        told = f"{sight.host} cannot write or delete {sight.problem}; give its user the right to"
        return Finding("write", False, told)
    return Finding("write", True, f"{sight.host} writes and deletes there")


def _sources(sight: Sight) -> Finding:
    if sight.unseen:
        told = (
            f"{sight.host} does not see {', '.join(sight.unseen)}; put it where all machines see it"
        )
        return Finding("inputs", False, told)
    return Finding("inputs", True, f"{sight.host} sees the inputs")

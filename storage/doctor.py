"""Verifying a compendium: every file against its manifest, every part against its checksum."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from storage.disk import Disk
from storage.errors import InputError, StoreError
from storage.generation import FOLDER, Manifest, manifest_key, read_current, read_manifest
from storage.open import contrasts_of, open_contrasts, samples_of, studies_of
from storage.parts import part_key, read_part
from storage.schema import (
    CONTRAST,
    CONTRASTS_STORE,
    GENE,
    SAMPLE,
    STUDY,
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: the file, what is wrong, the studies concerned, and the cure."""

    file: str
    problem: str
    studies: tuple[str, ...]
    cure: str


def examine(disk: Disk, progress: Progress | None = None) -> tuple[str, list[Finding]]:
    """Verify the current generation and the parts that it was made of.

    Returns
    -------
    generation, findings
        The generation's name, and what is wrong with it; nothing if it is sound.
    """
    current = read_current(disk)
    if current is None:
        raise InputError(f"{disk.root} has no compendium yet; run `dexome run` in it first")
    name = current.generation
    rebuild = "run `dexome compile --rebuild`"
    try:
        manifest = read_manifest(disk, name, current.manifest_sha256)
    except StoreError:
        path = disk.path(manifest_key(name))
        return name, [Finding(str(path), _unreadable(path), (), rebuild)]
    findings = []
    total = len(manifest.files) + len(manifest.parts)
    for done, (file, known) in enumerate(sorted(manifest.files.items())):
        if problem := _file_problem(
            disk, f"{FOLDER}/{name}/{file}", known["sha256"], known["size"]
        ):
            studies = tuple(manifest.shards.get(file, {}).get("studies", ()))
            findings.append(
                Finding(str(disk.path(f"{FOLDER}/{name}/{file}")), problem, studies, rebuild)
            )
        if progress:
            progress(done + 1, total)
    extra = {
        key.removeprefix(f"{FOLDER}/{name}/")
        for key in disk.list(f"{FOLDER}/{name}/{CONTRASTS_STORE}")
    } - manifest.files.keys()
    findings += [
        Finding(
            str(disk.path(f"{FOLDER}/{name}/{file}")),
            "does not belong to the store",
            (),
            "delete it",
        )
        for file in sorted(extra)
    ]
    for done, (study, known) in enumerate(sorted(manifest.parts.items())):
        findings += _part_findings(disk, study, known["key"], known["sha256"])
        if progress:
            progress(len(manifest.files) + done + 1, total)
    if not findings:
        findings = _content_findings(disk, name, manifest)
    return name, findings


def _file_problem(disk: Disk, key: str, sha256: str, size: int) -> str | None:
    found = disk.sha256(key)
    if found is None:
        return "is missing"
    if found == sha256:
        return None
    n_bytes = disk.path(key).stat().st_size
    return (
        f"has {n_bytes} bytes of {size}"
        if n_bytes != size
        else "is damaged: its checksum does not match"
    )


def _part_findings(disk: Disk, study: str, key: str, sha256: str) -> list[Finding]:
    file = str(disk.path(part_key(study, key)))
    redo = "run `dexome analyse` to make it again"
    try:
        _, found = read_part(disk, study, key)
    except StoreError:
        return [Finding(file, _unreadable(disk.path(part_key(study, key))), (study,), redo)]
    if found != sha256:
        return [
            Finding(file, "is not the part that was compiled", (study,), "run `dexome compile`")
        ]
    return []


def _unreadable(path: Path) -> str:
    """What is wrong with a file that could not be read."""
    return "is damaged: its checksum does not match" if path.is_file() else "is missing"


def _content_findings(disk: Disk, name: str, manifest: Manifest) -> list[Finding]:
    """What checksums cannot tell: shapes and labels that do not agree with each other."""
    root = disk.path(f"{FOLDER}/{name}/{CONTRASTS_STORE}")
    rebuild = "run `dexome compile --rebuild`"
    tree = open_contrasts(root)
    contrasts, studies, samples = contrasts_of(tree), studies_of(tree), samples_of(tree)
    ids = contrasts.indexes[CONTRAST]
    names = studies.indexes[STUDY]
    of_contrasts = {str(study) for study in contrasts["study"].values}
    checks = [
        (ids.is_unique, "contrast ids are not unique"),
        (contrasts.indexes[GENE].is_unique, "gene ids are not unique"),
        (names.is_unique and names.is_monotonic_increasing, "studies are not sorted and unique"),
        (of_contrasts <= set(names), "a contrast belongs to no study"),
        (of_contrasts <= manifest.parts.keys(), "a contrast belongs to a study without a part"),
        (
            {str(study) for study in samples["study"].values} <= set(names),
            "a sample belongs to no study",
        ),
        (
            all(
                str(i).startswith(f"{s}:")
                for i, s in zip(ids, contrasts["study"].values, strict=True)
            ),
            "a contrast's id does not begin with its study",
        ),
        (int(samples.sizes[SAMPLE]) > 0 or not len(ids), "there are contrasts but no samples"),
    ]
    return [Finding(str(root), problem, (), rebuild) for good, problem in checks if not good]

"""Verifying a compendium: every file against its manifest, every part against its checksum."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from storage.contrast_id import study_of
from storage.enrichment_parts import enrichment_part_key
from storage.errors import InputError, StoreError
from storage.files import Files
from storage.generation import (
    FOLDER,
    Manifest,
    list_enrichments,
    list_halves,
    list_latents,
    list_splits,
    manifest_key,
    read_current,
    read_manifest,
    remake,
)
from storage.halves_parts import halves_part_key
from storage.open import contrasts_of, open_contrasts, samples_of, studies_of
from storage.parts import part_key
from storage.schema import (
    CONTRAST,
    CONTRASTS_STORE,
    GENE,
    SAMPLE,
    STUDY,
)
from storage.shards import READ, Kind, ReadPart
from storage.training_copy import (
    copy_manifest_path,
    copy_problems,
    list_copies,
    read_copy_manifest,
)

# Of each kind of part: what makes it, what compiles it, where it lies, and its reader.
_OF_KIND: dict[Kind, tuple[str, str, Callable[[str, str], str], ReadPart]] = {
    "dea": ("dexome analyse", "dexome compile", part_key, READ["dea"]),
    "go": ("dexome enrich", "dexome enrich", enrichment_part_key, READ["go"]),
    "halves": ("dexome halves", "dexome halves", halves_part_key, READ["halves"]),
}

_MANIFEST = ".manifest.json"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: the file, what is wrong, the studies concerned, and the cure."""

    file: str
    problem: str
    studies: tuple[str, ...]
    cure: str


def examine(disk: Files, progress: Progress | None = None) -> tuple[str, list[Finding]]:
    """Verify the current generation and the parts that it was made of.

    Returns
    -------
    generation, findings
        The generation's name, and what is wrong with its stores; nothing if it is sound.
    """
    current = read_current(disk)
    if current is None:
        raise InputError(f"{disk.address()} has no compendium yet; run `dexome run` in it first")
    name = current.generation
    rebuild = "run `dexome compile --rebuild`"
    try:
        manifest = read_manifest(disk, name, current.manifest_sha256)
    except StoreError:
        key = manifest_key(name)
        return name, [Finding(disk.address(key), _unreadable(disk, key), (), rebuild)]
    manifests = [manifest]
    findings = []
    for store in (
        *list_enrichments(disk, name),
        *list_splits(disk, name),
        *list_latents(disk, name),
        *list_halves(disk, name),
    ):
        try:
            manifests.append(read_manifest(disk, name, store=store))
        except StoreError:
            key, cure = manifest_key(name, store), f"run `{remake(store)}`"
            findings.append(Finding(disk.address(key), _unreadable(disk, key), (), cure))
    findings += _halves_of_stores(disk, name)
    # Every file and part, and one look at each store for files that are not its own.
    total = sum(len(each.files) + len(each.parts) + 1 for each in manifests)
    done = 0
    for each in manifests:
        for finding in _store_findings(disk, name, each):
            done += 1
            findings += finding
            if progress:
                progress(done, total)
    findings += _copy_findings(disk, name)
    if not findings:
        findings = _content_findings(disk, name, manifest)
    return name, findings


def _halves_of_stores(disk: Files, name: str) -> list[Finding]:
    """Stores without a manifest, which no one sees, and manifests without a store."""
    folder = f"{FOLDER}/{name}"
    keys = [key.removeprefix(f"{folder}/") for key in disk.list(folder)]
    stores = {store for key in keys if (store := key.partition("/")[0]).endswith(".zarr")}
    told = {f"{key.removesuffix(_MANIFEST)}.zarr" for key in keys if key.endswith(_MANIFEST)}
    lost = {manifest_key(name, store): store for store in stores - told}
    lost |= {f"{folder}/{store}": store for store in told - stores}
    return [
        Finding(disk.address(key), "is missing", (), f"run `{remake(store)}`")
        for key, store in sorted(lost.items())
    ]


def _copy_findings(disk: Files, name: str) -> list[Finding]:
    """What is wrong with the training copies of a generation; one without a readable manifest is told of."""
    findings = []
    for key in list_copies(disk):
        try:
            manifest = read_copy_manifest(disk, key)
        except StoreError:
            place, cure = copy_manifest_path(key), "run `dexome prepare`"
            findings.append(Finding(disk.address(place), _unreadable(disk, place), (), cure))
            continue
        if manifest.generation == name:
            findings += [
                Finding(file, problem, (), "run `dexome prepare`")
                for file, problem in copy_problems(disk, manifest)
            ]
    return findings


def _store_findings(disk: Files, name: str, manifest: Manifest) -> Iterator[list[Finding]]:
    """What is wrong with each file of a store, and with each part that it was made of."""
    cure = f"run `{remake(manifest.store)}`"
    found = set(disk.list(f"{FOLDER}/{name}/{manifest.store}"))
    for file, known in sorted(manifest.files.items()):
        key = f"{FOLDER}/{name}/{file}"
        found.discard(key)
        problem = _file_problem(disk, key, known["sha256"], known["size"])
        studies = tuple(manifest.shards.get(file, {}).get("studies", ()))
        yield [Finding(disk.address(key), problem, studies, cure)] if problem else []
    yield [
        Finding(disk.address(key), "does not belong to the store", (), "delete it")
        for key in sorted(found)
    ]
    kind: Kind = "dea" if manifest.store == CONTRASTS_STORE else "go"
    if manifest.store.startswith("halves-"):
        kind = "halves"
    for study, known in sorted(manifest.parts.items()):
        yield _part_findings(disk, kind, study, known["key"], known["sha256"])


def _file_problem(disk: Files, key: str, sha256: str, size: int) -> str | None:
    found = disk.sha256(key)
    if found is None:
        return "is missing"
    if found == sha256:
        return None
    n_bytes = disk.size(key)
    return (
        f"has {n_bytes} bytes of {size}"
        if n_bytes != size
        else "is damaged: its checksum does not match"
    )


def _part_findings(disk: Files, kind: Kind, study: str, key: str, sha256: str) -> list[Finding]:
    make, again, place, read = _OF_KIND[kind]
    file = place(study, key)
    try:
        _, found = read(disk, study, key)
    except StoreError:
        return [
            Finding(
                disk.address(file),
                _unreadable(disk, file),
                (study,),
                f"run `{make}` to make it again",
            )
        ]
    if found != sha256:
        return [
            Finding(
                disk.address(file), "is not the part that was compiled", (study,), f"run `{again}`"
            )
        ]
    return []


def _unreadable(disk: Files, key: str) -> str:
    """What is wrong with a file that could not be read."""
    missing = disk.size(key) is None
    return "is missing" if missing else "is damaged: its checksum does not match"


def _content_findings(disk: Files, name: str, manifest: Manifest) -> list[Finding]:
    """What checksums cannot tell: shapes and labels that do not agree with each other."""
    address = disk.address(f"{FOLDER}/{name}/{CONTRASTS_STORE}")
    rebuild = "run `dexome compile --rebuild`"
    tree = open_contrasts(disk, name)
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
            all(study_of(str(i)) == s for i, s in zip(ids, contrasts["study"].values, strict=True)),
            "a contrast's id does not begin with its study",
        ),
        (int(samples.sizes[SAMPLE]) > 0 or not len(ids), "there are contrasts but no samples"),
    ]
    return [Finding(address, problem, (), rebuild) for good, problem in checks if not good]

"""Where splits placed studies: read from the splits, and kept when their generation is deleted."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from storage.errors import StoreError
from storage.files import Files
from storage.generation import FOLDER, list_generations, list_splits
from storage.hashing import hash_json
from storage.open import open_store
from storage.schema import STUDY

# Places of splits that are gone, a file for each rule by which studies are placed.
KEPT = f"{FOLDER}/places"


@dataclass(frozen=True, slots=True)
class Placed:
    """Part and fold of a study in a split of a generation; of two, that of the later split counts."""

    part: str
    fold: int
    generation: str
    published_at: str

    @property
    def at(self) -> tuple[str, str]:
        """Sorts by the time of the split."""
        return self.generation, self.published_at


def read_placement(disk: Files, placement_key: str) -> dict[str, tuple[str, int]]:
    """Part and fold of every study that was placed by the same rule before; empty if none was.

    Where splits differ the newest counts, be it still there or not; one that is damaged does not.

    Raises
    ------
    StoreError
        The places of deleted generations are damaged.
    """
    placed = _read_kept(disk, placement_key)
    for key, study, place in _places_of(disk, list_generations(disk)):
        if key == placement_key:
            _take_later(placed, study, place)
    return {study: (place.part, place.fold) for study, place in placed.items()}


def keep_placements(disk: Files, generations: Iterable[str]) -> None:
    """Write down the places in the splits of generations that are about to be deleted."""
    by_key: dict[str, dict[str, Placed]] = {}
    for key, study, place in _places_of(disk, generations):
        if key not in by_key:
            by_key[key] = _read_kept(disk, key)
        _take_later(by_key[key], study, place)
    for key, placed in by_key.items():
        fields = {study: asdict(place) for study, place in sorted(placed.items())}
        content = {"placed": fields, "sha256": hash_json(fields)}
        disk.put(_kept_key(key), json.dumps(content, indent=0).encode())


def _take_later(placed: dict[str, Placed], study: str, place: Placed) -> None:
    if study not in placed or place.at >= placed[study].at:
        placed[study] = place


def _places_of(disk: Files, generations: Iterable[str]) -> Iterator[tuple[str, str, Placed]]:
    """Rule, study and place, for every split of these generations that can be read."""
    for generation in generations:
        for store in list_splits(disk, generation):
            try:
                split = open_store(disk, generation, store)
                columns = [split[name].values.tolist() for name in (STUDY, "part", "fold")]
            except StoreError:
                continue
            key, published_at = (
                str(split.attrs.get(name)) for name in ("placement_key", "published_at")
            )
            for study, part, fold in zip(*columns, strict=True):
                yield key, str(study), Placed(str(part), int(fold), generation, published_at)


def _read_kept(disk: Files, placement_key: str) -> dict[str, Placed]:
    data = disk.read(_kept_key(placement_key))
    if data is None:
        return {}
    try:
        content = json.loads(data)
        if content["sha256"] == hash_json(content["placed"]):
            return {study: Placed(**fields) for study, fields in content["placed"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise StoreError(
        f"{disk.address(_kept_key(placement_key))} is damaged; delete it, and studies that only deleted "
        "generations had are placed anew"
    )


def _kept_key(placement_key: str) -> str:
    return f"{KEPT}/{placement_key}.json"

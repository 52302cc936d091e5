"""A study's plan and its outcome as small verified JSON files: what a killed run need not do again."""

import hashlib
import json
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from storage.files import Files
from storage.parts import study_folder

Status = Literal["planned", "analysed", "no_replication", "refused", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRecord:
    """The plan of one study: in, with its groups and contrasts, or out, with the reason.

    `part` is the key of the part that its analysis will make. `factors` has one dict for each factor,
    `ingredients` what the confidence is the product of, `reasoning` a topic and a sentence a step.
    `columns` are its values of the schema's `STUDY_COLUMNS`, `samples` and `contrasts` one dict a row with
    those of `SAMPLE_COLUMNS` and `CONTRAST_COLUMNS`, as far as they are known before the analysis.
    """

    study: str
    status: Status
    reason: str = ""
    message: str = ""
    part: str = ""
    factor: str = ""
    reference: str = ""
    reference_word: str = ""
    factors: list[dict[str, Any]] = field(default_factory=list)
    ingredients: dict[str, float] = field(default_factory=dict)
    reasoning: list[list[str]] = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    contrasts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Why a planned study has no part: refused by the statistics, or failed for a cause unknown to us."""

    status: Status
    reason: str
    message: str


def plan_record_key(study: str, key: str, *, failed: bool = False) -> str:
    """Where the plan of a study lies; a failed one lies where the next run does not look for it."""
    return f"parts/plan/{study_folder(study)}/{key}{'.failed' if failed else ''}.json"


def outcome_key(study: str, part: str) -> str:
    """Where it is said why the part of a study is not there."""
    return f"parts/dea/{study_folder(study)}/{part}.outcome.json"


def write_plan_record(disk: Files, key: str, record: PlanRecord) -> None:
    """Write a study's plan."""
    disk.put(key, _encode(asdict(record)))


def read_plan_record(disk: Files, key: str) -> PlanRecord | None:
    """A study's plan; None where it is not there or does not verify."""
    fields = _decode(disk.read(key))
    return None if fields is None else PlanRecord(**fields)


def write_outcome(disk: Files, key: str, outcome: Outcome) -> None:
    """Write why a study has no part."""
    disk.put(key, _encode(asdict(outcome)))


def read_outcome(disk: Files, key: str) -> Outcome | None:
    """Why a study has no part; None where nothing is known."""
    fields = _decode(disk.read(key))
    return None if fields is None else Outcome(**fields)


def unknown_failure(error: BaseException) -> Outcome:
    """The outcome of a study whose task raised what no study should; the next run tries it again."""
    if type(error).__name__ == "KilledWorker":
        return Outcome(
            status="failed",
            reason="worker_died",
            message="three workers died of it, one after the other, while it was alone; most likely for want "
            "of memory: give the workers more memory_gib, and run again",
        )
    where = traceback.extract_tb(error.__traceback__)
    at = f" at {Path(where[-1].filename).name}:{where[-1].lineno}" if where else ""
    message = f"{type(error).__name__}: {error}".splitlines()[0]
    return Outcome(status="failed", reason="failed", message=f"{message}{at}")


def _encode(fields: dict[str, Any]) -> bytes:
    """One line with the SHA-256 of the JSON below it."""
    data = json.dumps(fields, sort_keys=True, ensure_ascii=False, indent=1).encode()
    return hashlib.sha256(data).hexdigest().encode() + b"\n" + data


def _decode(data: bytes | None) -> dict[str, Any] | None:
    if data is None:
        return None
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    fields: dict[str, Any] = json.loads(body)
    return fields

"""What was fetched of a study, as one small verified JSON file: the only thing that a plan looks at first."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.sources.run_list import Run, make_run, run_fields
from storage.errors import InputError

INDEX_KEY = "studies.json"
RECEIPTS = "studies"


@dataclass(frozen=True, kw_only=True, slots=True)
class RawFile:
    """One downloaded file: its key below raw/, its content, and the runs that are read from it."""

    key: str
    sha256: str
    size: int
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What is here of one study.

    `wanted` is the hash of what was asked for. With a `reason`, a code of `REASONS`, the study can't be
    read. `runs` are all of the project's; `counts` the archives of its counts, `bulk` the cuts from a bulk
    file, `geo` its series. If it is not `complete`, the next fetch asks again for runs that it lacks.
    """

    study: str
    wanted: str
    reason: str = ""
    message: str = ""
    runs: tuple[Run, ...] = ()
    counts: tuple[RawFile, ...] = ()
    bulk: tuple[RawFile, ...] = ()
    geo: tuple[RawFile, ...] = ()
    flags: tuple[str, ...] = ()
    complete: bool = True

    @property
    def files(self) -> tuple[RawFile, ...]:
        """All files of the study."""
        return self.counts + self.bulk + self.geo


def receipt_key(study: str) -> str:
    """Where the receipt of a study lies below raw/."""
    return f"{RECEIPTS}/{study}.json"


def encode_receipt(receipt: Receipt) -> bytes:
    """One line with the SHA-256 of the JSON below it."""
    fields = asdict(receipt) | {"runs": [run_fields(run) for run in receipt.runs]}
    data = json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(data).hexdigest().encode() + b"\n" + data


def decode_receipt(data: bytes | None) -> Receipt | None:
    """A receipt; None where there is none or it does not verify."""
    if data is None:
        return None
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    fields: dict[str, Any] = json.loads(body)
    runs = tuple(make_run(run) for run in fields.pop("runs"))
    fields |= {
        name: tuple(RawFile(**{**one, "runs": tuple(one["runs"])}) for one in fields[name])
        for name in ("counts", "bulk", "geo")
    }
    return Receipt(**{**fields, "runs": runs, "flags": tuple(fields["flags"])})


def read_index(raw: Path, selection: str) -> list[str]:
    """Studies that were fetched for these settings, sorted.

    Raises
    ------
    InputError
        Nothing was, or for other settings.
    """
    try:
        data = (raw / INDEX_KEY).read_bytes()
    except FileNotFoundError:
        data = None
    except OSError as error:
        raise InputError(f"{raw / INDEX_KEY} can't be read; run `dexome fetch` again") from error
    return studies_of_index(data, str(raw), selection)


def studies_of_index(data: bytes | None, raw: str, selection: str) -> list[str]:
    """The same from the bytes of the index in `raw`, None where there is none."""
    if data is None:
        raise InputError(f"{raw} holds nothing yet; run `dexome fetch` first")
    try:
        index = json.loads(data)
    except ValueError as error:
        raise InputError(f"{raw}/{INDEX_KEY} can't be read; run `dexome fetch` again") from error
    if index["selection"] != selection:
        raise InputError("the [source] of dexome.toml changed; run `dexome fetch` again")
    studies: list[str] = index["studies"]
    return studies

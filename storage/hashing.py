"""One hash for keys, signatures and checks, of JSON content and of files."""

import hashlib
import json
from pathlib import Path
from typing import Any


def hash_json(content: Any) -> str:
    """SHA-256 of a JSON value, in hexadecimal, the same for the same content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

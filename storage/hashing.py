"""One hash for keys, signatures and checks of JSON content."""

import hashlib
import json
from typing import Any


def hash_json(content: Any) -> str:
    """SHA-256 of a JSON value, in hexadecimal, the same for the same content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

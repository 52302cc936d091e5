"""The share of the studies that one job of an array does, without a scheduler between them."""

import hashlib
import re
from dataclasses import dataclass

from storage.errors import InputError

_SHARE = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Share:
    """Share `number` of `of`, counted from 1."""

    number: int
    of: int

    def has(self, study: str) -> bool:
        """Whether a study is dealt to this share: by the hash of its name alone.

        A study stays where it is when others come or go.
        """
        digest = hashlib.sha256(study.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1


def read_share(text: str) -> Share:
    """The share that J/N names.

    Raises
    ------
    InputError
        It is not of that form, or J is not from 1 to N.
    """
    found = _SHARE.fullmatch(text)
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise InputError(f"--part must be J/N with J from 1 to N, such as 3/10, got {text!r}")
    return Share(number, of)

"""DEE2's quality flags: `PASS`, `WARN(3,4)`, `FAIL(1,5)`, and which runs they leave out."""

import re
from dataclasses import dataclass
from typing import Literal

PASS, WARN, FAIL, UNKNOWN = "PASS", "WARN", "FAIL", ""
# What the codes say, as DEE2 documents them.
CODES = {
    1: "reads that pass",
    2: "share of reads that pass",
    3: "STAR, share mapped",
    4: "STAR, share assigned",
    5: "STAR, reads assigned",
    6: "Kallisto, share mapped",
    7: "Kallisto, reads mapped",
    8: "correlation with the others",
}
_RANK = (UNKNOWN, PASS, WARN, FAIL)
_FLAG = re.compile(r"\s*(PASS|WARN|FAIL)\s*(?:\(([\d,\s]*)\))?\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class QcSettings:
    """What becomes of runs that DEE2 flags: left out, or kept and flagged."""

    fail: Literal["drop", "keep"] = "drop"
    warn: Literal["drop", "keep"] = "keep"

    def keeps(self, level: str) -> bool:
        """Whether a run of this level is used; one that DEE2 says nothing of is."""
        return {FAIL: self.fail, WARN: self.warn}.get(level, "keep") == "keep"


@dataclass(frozen=True, slots=True)
class Qc:
    """The flag of one run: its level and the codes behind it."""

    level: str
    codes: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.level}({','.join(map(str, self.codes))})" if self.codes else self.level


def parse_qc(text: str) -> Qc:
    """Parse a flag; what is none (empty, NA, a missing column) has the level `UNKNOWN`."""
    found = _FLAG.fullmatch(text)
    if not found:
        return Qc(UNKNOWN)
    codes = {int(code) for code in (found[2] or "").split(",") if code.strip()}
    return Qc(found[1].upper(), tuple(sorted(codes)))


def stricter(*flags: Qc) -> Qc:
    """The strictest of several flags of one run (an old mirror has two columns that disagree)."""
    return max(flags, key=lambda flag: _RANK.index(flag.level), default=Qc(UNKNOWN))

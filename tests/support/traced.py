"""What was computed and written by all processes of a run, however they were started and ended."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_HOOK = Path(__file__).parent / "trace"


@dataclass(frozen=True, slots=True)
class Trace:
    """One line for each study that is planned, begun, computed or written, and for each task of shards.

    A task is begun before it looks whether its part is there, and computes only if it is not.
    """

    path: Path

    def environment(self, pause_s: float = 0.0, *, patient: bool = True) -> dict[str, str]:
        """Environment of processes that write it, and pause at each line.

        Those that are not `patient` give up on a bucket within a second, where the program's take minutes.
        """
        return {
            "PYTHONPATH": str(_HOOK),
            "DEXOME_TESTS_TRACE": str(self.path),
            "DEXOME_TESTS_PAUSE_S": str(pause_s),
            "DEXOME_TESTS_IMPATIENT": "" if patient else "yes",
        }

    def lines(self) -> list[tuple[str, str, str]]:
        """Word, study and task of each line, in the order in which they were written."""
        text = self.path.read_text() if self.path.exists() else ""
        rows = [line.split("\t") for line in text.splitlines()]
        return [(word, study, task) for word, study, task in rows]

    def n_lines(self) -> int:
        """Their number."""
        return self.path.read_bytes().count(b"\n") if self.path.exists() else 0

    def done_again(self, before: Collection[str]) -> list[str]:
        """Studies computed by a task that began after their part was written; `before`: already there."""
        written, again = set(before), []
        late: dict[str, bool] = {}
        for word, study, task in self.lines():
            if word == "begun":
                late[task] = study in written
            elif word == "computed" and late[task]:
                again.append(study)
            elif word == "written":
                written.add(study)
        return again

    def computed(self) -> Counter[str]:
        """How often each study was computed."""
        return Counter(study for word, study, _ in self.lines() if word == "computed")

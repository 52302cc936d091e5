"""A bar, what was measured against it, and the table of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the table; without `met` it is told and not judged."""

    name: str
    measured: str
    limit: str = ""
    met: bool | None = None


def ratio_bar(name: str, measured: str, ratio: float, limit: float, *, judged: bool) -> Bar:
    """A ratio that must not exceed `limit`; where it is not judged (too small a run) the limit stands."""
    return Bar(name, f"{measured}: {ratio:.2f}", f"≤ {limit}", ratio <= limit if judged else None)


def format_table(bars: Sequence[Bar]) -> str:
    """The bars as a Markdown table."""
    words = {True: "yes", False: "**no**", None: ""}
    lines = ["| bar | measured | limit | met |", "|---|---|---|---|"]
    lines += [f"| {bar.name} | {bar.measured} | {bar.limit} | {words[bar.met]} |" for bar in bars]
    return "\n".join(lines)


def best_cpu_s(functions: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Least CPU seconds of each function over `repeats`, taken in turns so that noise hits all alike."""
    best = [float("inf")] * len(functions)
    for _ in range(repeats):
        for place, function in enumerate(functions):
            started = time.process_time()
            function()
            best[place] = min(best[place], time.process_time() - started)
    return best


def best_walls(
    functions: Sequence[Callable[[], object]],
    repeats: int,
    after: Callable[[], object] | None = None,
) -> list[float]:
    """Least wall seconds of each function over `repeats`, taken in turns; `after` each, what is not timed."""
    best = [float("inf")] * len(functions)
    for _ in range(repeats):
        for place, function in enumerate(functions):
            started = time.perf_counter()
            function()
            best[place] = min(best[place], time.perf_counter() - started)
            if after is not None:
                after()
    return best

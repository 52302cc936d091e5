"""Titles of samples: parts, separators, and one of many ways to number replicates."""

from collections import Counter
from collections.abc import Sequence

from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.words_keys import CODES, PREFIXES, REPLICATES, SEPARATORS


def replicate_numbers(cells: Sequence[object]) -> list[int]:
    """The number of each sample in its group, from 1."""
    seen: Counter[object] = Counter()
    numbers = []
    for cell in cells:
        seen[cell] += 1
        numbers.append(seen[cell])
    return numbers


def write_titles(
    draw: Draw, parts: Sequence[Sequence[str]], *, prefixes: Sequence[str] = PREFIXES
) -> list[str]:
    """Titles that tell the parts of each sample, in one style for the study."""
    separator, prefix = draw.pick(SEPARATORS), draw.pick(prefixes)
    suffix = draw.pick(REPLICATES)
    if any(p and p[-1][-1:].isdigit() for p in parts) and suffix == "{n}":
        suffix = "_{n}"
    texts = [separator.join(p) for p in parts]
    numbers = replicate_numbers(texts)
    titles = []
    for serial, (text, n) in enumerate(zip(texts, numbers, strict=True), start=1):
        named = {"n": n, "serial": serial, "letter": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(n - 1) % 26]}
        titles.append(prefix.format(**named) + text + suffix.format(**named))
    return titles


def write_codes(draw: Draw, n: int) -> list[str]:
    """Titles that tell nothing but which sample it is."""
    style, start = draw.pick(CODES), draw.between(1000, 8000)
    numbers = draw.shuffled(range(1, n + 1)) if draw.maybe(0.5) else list(range(1, n + 1))
    return [style.format(serial=i, big=start + i * 3) for i in numbers]

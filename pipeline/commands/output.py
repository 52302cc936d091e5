"""How results are printed: tables for people, TSV for pipes, JSON for programs."""

import json
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

_SHOWN = 20


def counted(n: int, one: str, many: str = "") -> str:
    """A number and what it counts: "1 study", "2 studies"; without `many` an s makes it several."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def echo_json(value: Any) -> None:
    """Print a value as JSON; NaN, which JSON does not have, as null."""
    typer.echo(json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False))


def echo_fields(fields: dict[str, str]) -> None:
    """Print names and values, one a line, aligned."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        typer.echo(f"{name:<{width}}  {value}")


def refusals(refused: Mapping[str, tuple[str, str]]) -> list[dict[str, str]]:
    """Refused studies, with code and message, for people and programs."""
    return [
        {"study": study, "reason": reason, "message": message}
        for study, (reason, message) in sorted(refused.items())
    ]


def echo_refused(fields: dict[str, str], refused: Sequence[dict[str, str]], where: str) -> None:
    """Print what was done, how many studies were refused for which reason, and the first of them."""
    reasons = Counter(item["reason"] for item in refused)
    told = ", ".join(f"{reason} {n}" for reason, n in sorted(reasons.items())) or "none"
    echo_fields({**fields, "refused": told})
    for item in refused[:_SHOWN]:
        typer.echo(f"  {item['study']}: {item['reason']}: {item['message']}")
    if len(refused) > _SHOWN:
        typer.echo(f"  and {len(refused) - _SHOWN} more: {where}")


def echo_table(table: pd.DataFrame, title: str = "") -> None:
    """Print a table: drawn on a terminal, tab-separated elsewhere."""
    if not sys.stdout.isatty():
        typer.echo(table.to_csv(sep="\t", index=False, float_format="%.6g"), nl=False)
        return
    drawn = Table(title=title or None)
    for name in table.columns:
        drawn.add_column(str(name), justify="right" if table[name].dtype.kind in "if" else "left")
    for row in table.itertuples(index=False):
        drawn.add_row(*(_shown(value) for value in row))
    Console().print(drawn)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows for JSON."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _shown(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else f"{value:.4g}"
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)

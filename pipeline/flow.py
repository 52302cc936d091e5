"""The flow of studies, from all to those compared, with the losses by reason."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from pipeline.sources.refusal import REASONS
from pipeline.stages.record import PlanRecord


def flow_table(records: Sequence[PlanRecord]) -> pd.DataFrame:
    """One row for all studies, one for each reason with what it costs, one for what is planned.

    Returns
    -------
    table
        step (all, out, in), reason, meaning, studies (lost where out), left (after this row), samples and
        contrasts (of the studies that are in; 0 elsewhere).
    """
    left = len(records)
    rows: list[dict[str, object]] = [_row("all", "", "all studies", left, left)]
    lost = Counter(record.reason for record in records if record.status != "planned")
    for reason in sorted(lost, key=_place):
        left -= lost[reason]
        rows.append(_row("out", reason, REASONS.get(reason, reason), lost[reason], left))
    planned = [record for record in records if record.status == "planned"]
    rows.append(
        _row("in", "", "planned", left, left)
        | {
            "samples": sum(int(record.columns["n_samples"]) for record in planned),
            "contrasts": sum(len(record.contrasts) for record in planned),
        }
    )
    return pd.DataFrame(rows)


def _row(step: str, reason: str, meaning: str, studies: int, left: int) -> dict[str, object]:
    return {
        "step": step,
        "reason": reason,
        "meaning": meaning,
        "studies": studies,
        "left": left,
        "samples": 0,
        "contrasts": 0,
    }


def _place(reason: str) -> tuple[int, str]:
    """Reasons in the order in which a study meets them."""
    order = list(REASONS)
    return (order.index(reason) if reason in order else len(order), reason)

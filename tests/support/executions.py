"""What was computed, and what there is a receipt of: two files of lines in a workspace's folder."""

from pathlib import Path

from pipeline import run as pipeline_run
from pipeline import run_enrich as pipeline_run_enrich
from pipeline.stages import analyse_study, enrich_study
from pipeline.stages.analyse_study import AnalysisReceipt, AnalysisTask
from pipeline.stages.enrich_study import EnrichReceipt, EnrichTask


def log_executions(folder: Path) -> None:
    """Write down every analysis and enrichment that this process begins to compute, and every receipt."""
    compute, analyse = analyse_study.make_part, analyse_study.analyse_planned
    test_terms, enrich = enrich_study.make_enrichment, enrich_study.enrich_planned

    def logged_compute(task, prepared):  # type: ignore[no-untyped-def]
        _append(folder, "executions", task.study)
        return compute(task, prepared)

    def logged_analyse(item: AnalysisTask) -> AnalysisReceipt:
        receipt = analyse(item)
        _append(folder, "receipts", receipt.study)
        return receipt

    def logged_enrichment(task):  # type: ignore[no-untyped-def]
        _append(folder, "executions", f"{task.study}, terms")
        return test_terms(task)

    def logged_enrich(task: EnrichTask) -> EnrichReceipt:
        receipt = enrich(task)
        _append(folder, "receipts", f"{receipt.study}, terms")
        return receipt

    analyse_study.make_part = logged_compute
    enrich_study.make_enrichment = logged_enrichment
    vars(pipeline_run)["analyse_planned"] = logged_analyse
    vars(pipeline_run_enrich)["enrich_planned"] = logged_enrich


def executions(folder: Path) -> list[str]:
    """What was begun."""
    return _lines(folder, "executions")


def receipts(folder: Path) -> list[str]:
    """What there were receipts for."""
    return _lines(folder, "receipts")


def _append(folder: Path, name: str, line: str) -> None:
    with (folder / name).open("a") as file:
        file.write(line + "\n")


def _lines(folder: Path, name: str) -> list[str]:
    path = folder / name
    return path.read_text().splitlines() if path.exists() else []

"""Studies that a process began and did not live to end, counted where no scheduler does: in job arrays."""

from pipeline.stages.analyse_study import (
    AnalysisReceipt,
    AnalysisTask,
    analyse_planned,
    record_killer,
)
from storage.parts import part_key, study_folder

FOLDER = "parts/begun"
# As on a cluster: a study that so many processes died of is set aside.
MOST_DEATHS = 3


def analyse_counted(item: AnalysisTask) -> AnalysisReceipt:
    """Analyse a study, unless three processes died in it; then that is recorded, and the count begins anew.

    An orderly end, Ctrl-C and SIGTERM included, counts nothing.
    """
    disk, study = item.task.disk, item.task.study
    if disk.size(part_key(study, item.part)) is not None:
        return analyse_planned(item)
    key = f"{FOLDER}/{study_folder(study)}"
    deaths = len(disk.read(key) or b"")
    if deaths >= MOST_DEATHS:
        receipt = record_killer(item, deaths)
        disk.delete(key)
        return receipt
    disk.put(key, b"x" * (deaths + 1))
    try:
        return analyse_planned(item)
    finally:
        disk.delete(key)

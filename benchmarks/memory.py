"""What the analysis of a study takes of a worker's memory, beside what the plan said it would.

`python -m benchmarks.memory [--genes 48978]`: one fresh process for each size; prints a Markdown table.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from pipeline.memory import analysis_bytes
from pipeline.stages.analyse_study import AnalysisTask, analyse_planned
from pipeline.stages.plan_study import make_plan_record
from pipeline.stages.task import make_tasks
from pipeline.workspace import open_workspace
from tests.support.workspaces import write_genes, write_study

MIB = 1 << 20
# Groups of a study, and samples of a group.
SIZES = ((2, 3), (2, 6), (8, 3), (2, 30), (12, 10), (2, 150))


def measure_here(workspace: Path) -> None:
    """Analyse the one study of a workspace in this process, and print its peak in bytes."""
    opened = open_workspace(workspace)
    (task,) = make_tasks(opened.root, opened.config, opened.read_genes())
    record = make_plan_record(task)
    receipt = analyse_planned(AnalysisTask(task=task, part=record.part))
    assert receipt.status == "analysed", receipt
    # Not getrusage: its peak is at least that of the process that started this one. VmHWM begins anew.
    (peak_kib,) = re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    sys.stdout.write(f"{int(peak_kib) * 1024}\n")


def peak(folder: Path, n_groups: int, replicates: int, n_genes: int) -> int:
    """Peak memory of a fresh process that plans and analyses one study, in bytes."""
    levels = ["control", *(f"dose{i}" for i in range(1, n_groups))]
    write_genes(folder / "genes.tsv", n_genes)
    write_study(folder / "studies" / "S", 1, levels, replicates, n_genes)
    text = '[genes]\nlist = "genes.tsv"\n[source]\npath = "studies"\n[curate]\nmax_groups = 100\n'
    (folder / "dexome.toml").write_text(text)
    command = [sys.executable, "-m", "benchmarks.memory", "--measure", str(folder)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genes", type=int, default=48_978)
    parser.add_argument("--measure", type=Path)
    given = parser.parse_args()
    if given.measure:
        measure_here(given.measure)
        return
    print("| samples | contrasts | projected, MiB | measured peak, MiB | measured / projected |")
    print("|---|---|---|---|---|")
    for n_groups, replicates in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            measured = peak(Path(folder), n_groups, replicates, given.genes)
        samples, contrasts = n_groups * replicates, n_groups - 1
        said = analysis_bytes(samples, given.genes, contrasts)
        print(
            f"| {samples} | {contrasts} | {said / MIB:.0f} | {measured / MIB:.0f} | {measured / said:.2f} |"
        )


if __name__ == "__main__":
    main()

"""What a task takes of a worker's memory, told before it runs: pure arithmetic on the plan."""

import math

# A worker with everything imported and its kernels loaded, before its first task.
BASE_BYTES = 450 << 20
# Measured peaks (benchmarks/memory): arrays of the size of the counts that live at once, as float64.
_COUNT_COPIES = 6.0
# Statistics of a contrast over all genes, as they are computed and as they are written.
_CONTRAST_BYTES_PER_GENE = 60
# Of the block that is being written: as Zarr encodes it, and as it reads back.
_SHARD_COPIES = 2.5
_BYTES = 8
GIB = 1 << 30


def analysis_bytes(n_samples: int, n_genes: int, n_contrasts: int) -> int:
    """Peak memory of a worker that analyses a study, in bytes.

    Parameters
    ----------
    n_samples
        All columns of the study's count table, those that are not used too.
    n_genes
        The length of the gene axis.
    """
    counts = n_samples * n_genes * _BYTES * _COUNT_COPIES
    return int(BASE_BYTES + counts + n_contrasts * n_genes * _CONTRAST_BYTES_PER_GENE)


def why_too_large(n_samples: int, n_genes: int, n_contrasts: int, task_memory: int | None) -> str:
    """Why a task of `task_memory` bytes can't analyse a study; empty: it can, or nobody knows."""
    needs = analysis_bytes(n_samples, n_genes, n_contrasts)
    if task_memory is None or needs <= task_memory:
        return ""
    return (
        f"{n_samples} samples x {n_genes} genes take about {gib(needs)} to analyse, and a task of "
        f"this cluster has {gib(task_memory)}; give the workers {enough_gib(needs)}, or "
        "choose another cluster"
    )


def shard_bytes(blocks: list[int]) -> int:
    """Peak memory of a worker that writes one row of shards, from the bytes of each array's block."""
    return BASE_BYTES + sum(blocks) + int(_SHARD_COPIES * max(blocks))


def gib(n_bytes: float) -> str:
    """Bytes in words."""
    return f"{n_bytes / GIB:.1f} GiB"


def enough_gib(n_bytes: float) -> str:
    """The memory_gib of a profile that is enough for a task, with a tenth to spare, as the cure of an error.

    Nobody here knows how many threads share it.
    """
    return f"memory_gib = {math.ceil(1.1 * n_bytes / GIB)} (times the threads of a worker)"

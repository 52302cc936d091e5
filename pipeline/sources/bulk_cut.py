"""What one study has in one block of a bulk file: runs as columns of an Arrow file, genes beside it."""

import hashlib
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.sources.refusal import Refusal
from pipeline.sources.table import CountTable

# In the folder of a cut: the ids of its rows, shared by all cuts of one bulk file.
_GENES = b"genes"


def encode_genes(genes: list[str]) -> tuple[str, bytes]:
    """The ids of a bulk file's genes, and the name of the file that holds them."""
    data = "\n".join(genes).encode()
    return f"genes-{hashlib.sha256(data).hexdigest()[:16]}.txt", data


def encode_cut(genes_name: str, runs: list[str], counts: npt.NDArray[np.generic]) -> bytes:
    """An Arrow file of (run, gene) counts."""
    table = pa.table({run: pa.array(row) for run, row in zip(runs, counts, strict=True)})
    table = table.replace_schema_metadata({_GENES: genes_name.encode()})
    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(buffer, table.schema, options=options) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def read_cut(path: Path, runs: tuple[str, ...]) -> CountTable:
    """Counts of these runs of a cut; the genes lie in the folder two above it.

    Raises
    ------
    Refusal
        `damaged_download`: it, or the file of genes, is missing or damaged.
    """
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
            name = (table.schema.metadata or {})[_GENES].decode()
            genes = (path.parents[1] / name).read_text().split("\n")
            counts = np.stack([table[run].to_numpy().astype(np.float64) for run in runs])
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise Refusal(
            "damaged_download",
            f"{path.name} is damaged ({error}); delete it and run `dexome fetch`",
        ) from error
    if counts.shape[1] != len(genes):
        raise Refusal(
            "damaged_download", f"{path.name} does not fit its genes; delete it and fetch it again"
        )
    return CountTable(genes, list(runs), counts)

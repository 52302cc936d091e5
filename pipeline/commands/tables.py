"""Tables that commands write: by the ending of their name, whole or not at all."""

from pathlib import Path

import pandas as pd

from storage.errors import InputError

ENDINGS = (".tsv", ".tsv.gz", ".csv", ".csv.gz", ".parquet")


def check_out(out: Path) -> None:
    """Refuse a name that no table can be written to, before the work is done.

    Raises
    ------
    InputError
        Its ending is none of `ENDINGS`, or its folder does not exist.
    """
    if not out.name.endswith(ENDINGS):
        raise InputError(f"--out {out} must end in {', '.join(ENDINGS)}")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: the folder {out.parent} does not exist; make it first")


def write_table(table: pd.DataFrame, out: Path) -> None:
    """Write beside the target, then take its place: no half table is ever there. Missing is NA."""
    temporary = out.with_name(f".tmp-{out.name}")
    try:
        if out.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            comma = "," if ".csv" in out.suffixes else "\t"
            table.to_csv(temporary, sep=comma, index=False, na_rep="NA")
        temporary.replace(out)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)

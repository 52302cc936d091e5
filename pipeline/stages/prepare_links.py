"""What the labels of a compendium say of studies that belong together."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from pipeline.prepare.components import Link, accessions, links_of, super_series
from storage.errors import InputError
from storage.open import contrasts_of, samples_of, studies_of
from storage.schema import CONTRAST, GENE, SAMPLE, STUDY


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """Contrasts (contrast,) with their studies, and genes, of a generation."""

    contrasts: npt.NDArray[np.str_]
    studies: npt.NDArray[np.str_]
    genes: npt.NDArray[np.str_]


def read_labels(tree: xr.DataTree) -> Labels:
    """Labels of an open compendium."""
    contrasts = contrasts_of(tree)
    return Labels(
        contrasts=np.array(contrasts[CONTRAST].values.tolist(), dtype=str),
        studies=np.array(contrasts["study"].values.tolist(), dtype=str),
        genes=np.array(contrasts[GENE].values.tolist(), dtype=str),
    )


def known_links(tree: xr.DataTree, labels: Labels, series: list[tuple[str, str]]) -> list[Link]:
    """Links by accessions of runs and samples, by flags of studies, and by pairs of study and super-series.

    Only studies with contrasts are linked.
    Samples that are in no model count too: a study may use them tomorrow.
    """
    samples, studies = samples_of(tree), studies_of(tree)
    columns = [samples[name].values.tolist() for name in ("study", SAMPLE, "runs")]
    owned = [
        (str(study), accession)
        for study, sample, runs in zip(*columns, strict=True)
        for accession in accessions((str(sample), str(runs)))
    ]
    flags = zip(studies[STUDY].values.tolist(), studies["flags"].values.tolist(), strict=True)
    flagged = [(str(study), name) for study, told in flags for name in super_series(str(told))]
    # A study that is itself the super-series of others belongs to it.
    in_series = [*flagged, *series]
    in_series += [(name, name) for _, name in in_series]
    known = set(labels.studies.tolist())
    return [
        link
        for kind, owners in (("accession", owned), ("super_series", in_series))
        for link in links_of((pair for pair in owners if pair[0] in known), kind)
    ]


def read_super_series(path: Path) -> list[tuple[str, str]]:
    """Pairs of study and super-series from a table of two columns, with tabs or commas; `#` begins a comment.

    Raises
    ------
    InputError
        The file is not there, or a line has not two columns.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read {path}: {error}; give super_series in [prepare.split] a table of study and "
            "super-series"
        ) from error
    pairs = []
    delimiter = "\t" if "\t" in text else ","
    for number, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), start=1):
        if not row or row[0].startswith("#") or row[0].strip().lower() == "study":
            continue
        if len(row) < 2 or not row[0].strip() or not row[1].strip():
            raise InputError(
                f"{path}, line {number}: a study and a super-series are needed, got {row}"
            )
        pairs.append((row[0].strip(), row[1].strip()))
    return pairs

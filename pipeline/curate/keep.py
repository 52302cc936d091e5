"""Which samples of a study can be used, and which are one sample measured more than once."""

import re
from collections.abc import Mapping

from pipeline.curate.curation import Journal
from pipeline.curate.replicates import without_replicates
from pipeline.curate.sheet import Sheet
from pipeline.curate.table import words_of
from pipeline.sources.species import is_organism

_RNA = re.compile(r"(?:m|poly-?a\+? ?|total ?)?rna[\s_-]?seq(?:uencing)?|transcriptome.*", re.I)
_TECHNICAL = re.compile(
    r"[\s_,;(\[-]*(?:tech(?:nical)?[\s_.-]*(?:rep(?:licate|eat|l)?)?|lane|seq(?:uencing)?[\s_-]*run|l00)"
    r"[\s_.#-]*(?:[a-h]|\d{1,3})(?![^\W_])[\s)\]]*",
    re.I,
)


_EXPLICIT = re.compile(r"(?<![^\W_])(?:tech(?:nical)?[\s_.-]*(?:rep|\d)|l00\d(?![^\W_]))", re.I)
_ACCESSIONS = frozenset(
    {"srx", "srr", "run", "runs", "geo accession", "experiment", "biosample", "gsm", "accession"}
    | {"relation", "supplementary file", "bases", "bytes", "qc summary", "sample name", "sample"}
    | {"read count", "reads", "spots", "total reads"}
)
# Columns, and accessions in them, of one sample that may have several runs.
_IDENTITIES = frozenset({"biosample", "experiment", "geoaccessionexp", "samplename", "srx", "gsm"})
_IDENTITY = re.compile(r"(?:SAM[NED]A?|[SED]RX|[SED]RS|GSM)\d+")
# Words of columns that differ between measurements of one sample by nature.
_OF_MEASUREMENT = frozenset(
    {
        "lane",
        "technical",
        "replicate",
        "rep",
        "file",
        "files",
        "flowcell",
        "barcode",
        "size",
        "reads",
    }
    | {"spots", "date", "library", "index", "datastore", "filetype", "avgspotlen", "create", "load"}
)


def unusable_samples(sheet: Sheet, organism: str) -> dict[str, str]:
    """Samples that are no RNA-seq of the organism, with the reason."""
    unused: dict[str, str] = {}
    for name, cells in sheet.columns.items():
        key = " ".join(words_of(name))
        if key in ("organism", "species", "scientific name"):
            for sample, told in zip(sheet.names, cells, strict=True):
                if organism and _is_species(told) and not is_organism(told, organism):
                    unused[sample] = f"of {told}"
        elif key in ("library strategy", "assay type") and any(map(_RNA.fullmatch, cells)):
            # Where none is called RNA-seq, the name is taken for another one of it.
            for sample, told in zip(sheet.names, cells, strict=True):
                if told and not _RNA.fullmatch(told):
                    unused.setdefault(sample, f"{told} and not RNA-Seq")
        elif key == "molecule":
            for sample, told in zip(sheet.names, cells, strict=True):
                if "dna" in told.lower().split():
                    unused.setdefault(sample, f"{told} and not RNA")
    return unused


def _is_species(told: str) -> bool:
    return bool(re.fullmatch(r"[A-Z][a-z]+ [a-z]+.*", told))


def technical_replicates(
    sheet: Sheet, journal: Journal
) -> tuple[Sheet, dict[str, tuple[str, ...]]]:
    """One row a biological sample, and the samples whose counts are added to each.

    Samples are one if they have one BioSample, or if all that is told of them is the same but for a
    technical replicate, a lane or a run.
    """
    keys = _same_sample(sheet)
    groups: dict[object, list[str]] = {}
    for sample in sheet.names:
        groups.setdefault(keys.get(sample, sample), []).append(sample)
    summed = {members[0]: tuple(members) for members in groups.values()}
    several = {members[0]: members for members in groups.values() if len(members) > 1}
    if not several:
        return sheet, summed
    journal.add(
        "technical replicates",
        f"{sum(map(len, several.values()))} samples are {len(several)} measured more than once; their "
        f"counts are added: {'; '.join(' + '.join(m) for m in list(several.values())[:4])}",
    )
    return _agreed(sheet, several).select(summed), summed


def _agreed(sheet: Sheet, several: Mapping[str, list[str]]) -> Sheet:
    """The table without cells in which the measurements of one sample differ, titles and texts apart."""
    place = {name: i for i, name in enumerate(sheet.names)}
    columns = {}
    for name, cells in sheet.columns.items():
        told = list(cells)
        if words_of(name)[:1] not in (("title",), ("description",), ("source",)):
            for first, members in several.items():
                if len({cells[place[member]] for member in members}) > 1:
                    told[place[first]] = ""
        columns[name] = tuple(told)
    return Sheet(sheet.names, columns)


def _same_sample(sheet: Sheet) -> dict[str, object]:
    """What identifies the biological sample of each sample, where something does."""
    keys = {name: " ".join(words_of(name)) for name in sheet.columns}
    for name, key in keys.items():
        if key.replace(" ", "") not in _IDENTITIES:
            continue
        same = [c for other, c in sheet.columns.items() if not _is_individual(other, keys[other])]
        rows_of = zip(*same, strict=True) if same else [()] * len(sheet.names)
        cells_of = zip(sheet.names, sheet.columns[name], rows_of, strict=True)
        found: dict[str, object] = {
            sample: (told, rest)
            for sample, told, rest in cells_of
            if _IDENTITY.fullmatch(told) or (told and key == "biosample")
        }
        if len(set(found.values())) < len(found):
            return found
    marked = [name for name, key in keys.items() if _is_technical(key)]
    if not marked and not any(
        _TECHNICAL.search(c) for cells in sheet.columns.values() for c in cells
    ):
        return {}
    told = {
        name: tuple(_TECHNICAL.sub(" ", cell).strip() for cell in cells)
        for name, cells in sheet.columns.items()
        if name not in marked and not _is_accession(keys[name])
    }
    # A number of each tube tells nothing; a title does.
    told = {
        name: cells
        for name, cells in told.items()
        if len({*cells}) < len(cells) or _has_title({name: keys[name]})
    }
    rows = list(zip(*told.values(), strict=True))
    titles = [name for name in told if _has_title({name: keys[name]})]
    if len(set(rows)) == len(rows) or not any(all(told[name]) for name in titles):
        return {}
    if _are_measurements(sheet, told):
        return dict(zip(sheet.names, rows, strict=True))
    # Lanes of one animal each are no technical replicates: some animals must be left in every group.
    groups: dict[tuple[str, ...], set[object]] = {}
    bare = zip(
        *(without_replicates(cells) if name in titles else cells for name, cells in told.items()),
        strict=True,
    )
    for group, row in zip(bare, rows, strict=True):
        groups.setdefault(group, set()).add(row)
    enough = sum(len(members) >= 2 for members in groups.values()) >= 2
    return dict(zip(sheet.names, rows, strict=True)) if enough else {}


def _are_measurements(sheet: Sheet, told: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether the marks are surely of measurements: they say so, or come again with each sample."""
    for name, bare in told.items():
        cells = sheet.columns[name]
        if any(_EXPLICIT.search(cell) for cell in cells):
            return True
        marks: dict[str, set[str]] = {}
        for cell, rest in zip(cells, bare, strict=True):
            if found := _TECHNICAL.search(cell):
                marks.setdefault(found[0].lower().strip(), set()).add(rest)
        if len(marks) > 1 and all(len(rests) > 1 for rests in marks.values()):
            return True
    return False


def _has_title(names: Mapping[str, str]) -> bool:
    """Whether something tells biological replicates apart at all."""
    return any(
        key in ("title", "sample", "sample name", "name") or "replicate" in key
        for key in names.values()
    )


def _is_technical(key: str) -> bool:
    return "technical" in key or key in (
        "lane",
        "run",
        "sequencing run",
        "tech rep",
        "technical replicate",
    )


def _is_accession(key: str) -> bool:
    return key in _ACCESSIONS


def _is_individual(name: str, key: str) -> bool:
    """Whether a column differs between measurements of one sample by nature."""
    return (
        _is_accession(key)
        or key in ("title", "description", "sample id", "row")
        or key.replace(" ", "") in _IDENTITIES
        or bool(_OF_MEASUREMENT & {*key.split()})
        or name.startswith("description")
    )

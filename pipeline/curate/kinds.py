"""What a column tells, by its name and by its levels."""

import re

from pipeline.curate.column_words import (
    AGE,
    AGE_WORDS,
    BATCH,
    BATCH_WORDS,
    DATE,
    DATE_WORDS,
    DISEASE,
    DOSE,
    GENOTYPE,
    GROUP,
    IDENTIFIER,
    KEY_WORDS,
    MEASURED,
    MEASURED_WORDS,
    NAME_NAMES,
    OTHER,
    REPLICATE,
    REPLICATE_WORDS,
    SEX,
    SEX_WORDS,
    STRAIN,
    SUBJECT,
    SUBJECT_WORDS,
    TECHNICAL,
    TECHNICAL_NAMES,
    TECHNICAL_WORDS,
    TEXT,
    TIME,
    TISSUE,
    TREATMENT,
    WHICH_WORDS,
)  # fmt: skip
from pipeline.curate.controls import control_of
from pipeline.curate.level_words import FEMALE, GENOTYPE_WORDS, MALE
from pipeline.curate.quantity import quantities, ranks
from pipeline.curate.text import words as words_in
from pipeline.curate.typos import known_key

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
ACCESSION = re.compile(r"(?:SRR|ERR|DRR|SRX|ERX|DRX|SRS|SAM[NED]A?|GSM|GSE|SRP)\d+")
# Which kind a name has that holds words of several: "treatment time" is a time.
_ORDER = (DOSE, TIME, TREATMENT, GENOTYPE, DISEASE, "stage", STRAIN, TISSUE, GROUP)
# The last word of a column that numbers animals, tubes or clones.
_NUMBERING = frozenset({"id", "ids", "code", "number", "no", "nr", "num"})
_CODE = re.compile(r"[A-Za-z]{0,3}[\s_#-]?\d{1,6}|[A-Za-z]")
_NUMBERED = re.compile(r"([a-z]+)[\s_#-]*\d+")
_ONES = frozenset(
    {"culture", "clone", "line", "donor", "animal", "mouse", "litter", "prep", "preparation"}
    | {"isolate", "isolation", "cage", "dish", "embryo", "pup", "patient", "subject", "individual"}
)
# States of cells, which are no controls where the column is on cells.
_STATES = frozenset(
    {"naive", "naïve", "normal", "healthy", "resting", "intact", "parental", "none"}
)


def kind_of_column(words: tuple[str, ...], values: tuple[str, ...]) -> str:
    """The kind of a column: what its name says, unless its levels say better."""
    told = {value for value in values if value}
    # GEO's own status is "Public on …"; a person's is a factor.
    if words == ("status",) and not any(value.startswith("Public on") for value in told):
        return DISEASE
    # A run or an experiment that several samples share is a batch.
    if words in (("run",), ("experiment",)) and 1 < len(told) <= len(values) // 2:
        return BATCH
    kind = kind_by_name(words)
    if len(told) < 2:
        return kind
    if all((found := _NUMBERED.fullmatch(level.lower())) and found[1] in _ONES for level in told):
        # `culture 1`, `clone 2`: one of several of the same.
        return SUBJECT
    if {*words} <= _ONES | WHICH_WORDS and all(map(_CODE.fullmatch, told)):
        return SUBJECT
    if kind == BATCH and not {"batch", "batches"} & {*words} and _are_groups(told):
        return GROUP
    if kind == MEASURED and not all(map(_NUMBER.fullmatch, told)):
        kind = OTHER
    if kind in (GROUP, OTHER):
        return _unnamed(words, told, len(values), kind)
    if kind in (STRAIN, TISSUE):
        return _of_animals(told, kind)
    if kind == TECHNICAL and len(told) * 2 <= len(values) and not any(map(ACCESSION.search, told)):
        # `protocol: control, injury` is a factor all the same.
        return TREATMENT if _have_control(told) else kind
    return kind


def _are_groups(told: set[str]) -> bool:
    """Whether the levels of a cohort or series are what is compared: `young`, `aged`; `sham`, `LPS`."""
    return bool(ranks(sorted(told))) or _have_control(told)


def _have_control(told: set[str]) -> bool:
    pure = [control_of(level, (0, 1, 3)).pure for level in sorted(told)]
    return any(pure) and not all(pure)


def _unnamed(words: tuple[str, ...], told: set[str], n: int, kind: str) -> str:
    """The kind of a column whose name leaves it open."""
    lower = {value.lower() for value in told}
    if lower <= MALE | FEMALE and len(lower) == 2:
        return SEX
    if quantities((), sorted(told)) and any(any(c.isalpha() for c in value) for value in told):
        return TIME
    if kind == GROUP:
        return kind
    if told != {"0", "1"} and all(map(_NUMBER.fullmatch, told)):
        return MEASURED
    if all(map(ACCESSION.search, told)):
        return IDENTIFIER
    if words and words[-1] in _NUMBERING:
        return SUBJECT if len(told) < n else IDENTIFIER
    return kind


def _of_animals(told: set[str], kind: str) -> str:
    """Strain, tissue or cells; or the genotype or treatment that tells them apart."""
    said = [{*words_in(level)} for level in told]
    common = set.intersection(*said)
    rest = set.union(*said) - common
    if rest & GENOTYPE_WORDS:
        return GENOTYPE
    found = {control_of(level, (0, 1), common).word for level in told} - {""} - _STATES
    return TREATMENT if found and kind == TISSUE else kind


def kind_by_name(words: tuple[str, ...]) -> str:
    """The kind that the words of a name tell."""
    name, found = " ".join(words), set(words)
    if name in TECHNICAL_NAMES:
        return TECHNICAL
    if name in NAME_NAMES:
        return TEXT
    if found & {"batch", "batches"} or {"flow", "cell"} <= found:
        return BATCH
    if found & DATE_WORDS:
        return DATE
    if {"rna", "dna", "cdna"} & found and {"concentration", "conc", "amount", "quantity"} & found:
        return MEASURED
    if {"cell", "cells"} & found and {"number", "count", "counts"} & found:
        return TECHNICAL
    if found & REPLICATE_WORDS:
        return REPLICATE
    if found & TECHNICAL_WORDS:
        return TECHNICAL
    if found & SEX_WORDS:
        return SEX
    if found & AGE_WORDS:
        return AGE
    said = KEY_WORDS[TREATMENT] | KEY_WORDS[GENOTYPE] | KEY_WORDS[GROUP]
    if found & BATCH_WORDS and not found & said:
        return BATCH
    if found & SUBJECT_WORDS and not found - SUBJECT_WORDS - WHICH_WORDS:
        return SUBJECT
    for kind in _ORDER:
        if found & KEY_WORDS[kind]:
            return kind
    if found & MEASURED_WORDS:
        return MEASURED
    meant = tuple(known_key(word) or word for word in words)
    return kind_by_name(meant) if meant != words else OTHER

"""Variables that tell several things, as several: packed columns, titles, names of samples."""

import re
from collections.abc import Sequence

from pipeline.curate.column_words import (
    AGE,
    BATCH,
    DOSE,
    GENOTYPE,
    IDENTIFIER,
    OTHER,
    REPLICATE,
    SEX,
    STAGE,
    SUBJECT,
    TEXT,
    TIME,
    TISSUE,
    TREATMENT,
)
from pipeline.curate.controls import control_of
from pipeline.curate.fields import Fields, split_crossed, split_fields
from pipeline.curate.level_words import FEMALE, GENOTYPE_WORDS, MALE, TISSUE_WORDS
from pipeline.curate.quantity import quantities, quantity
from pipeline.curate.replicates import without_replicates
from pipeline.curate.table import NAME
from pipeline.curate.text import words
from pipeline.curate.variables import (
    Variable,
    cross,
    determines,
    merge_spellings,
)

_BATCH = re.compile(
    r"(?:batch|exp(?:eriment)?|run|lane|plate|cohort|set|pool)[\s_.#-]*\w{1,3}", re.I
)
_REPLICATE = re.compile(r"(?:rep(?:licate)?|r|n|#|br|tr)?[\s_.#-]*(?:\d{1,2}|[a-h])", re.I)
_SUBJECT = re.compile(
    r"(?<![^\W_])(?:mouse|animal|donor|patient|subject|litter|pair|individual)(?:[\s_.#-]*id)?"
    r"[\s_.#:-]*([a-z]{0,3}\d+[^\W_]*)(?![^\W_])[\s_-]*",
    re.I,
)
_FILE = re.compile(
    r"(?:[._](?:counts?|reads?|gene|genes|rsem|htseq|featurecounts|tpm|fpkm|sorted|aligned))*"
    r"(?:_r[12](?:_001)?(?=\.f(?:ast)?q))?"
    r"\.(?:txt|tsv|csv|bam|fastq|fq|tab|xlsx?|bw|bigwig|results|out)(?:\.gz)?$",
    re.I,
)
# Fields of these kinds may tell several things themselves.
_OPEN = frozenset({TEXT, OTHER, GENOTYPE, TREATMENT, TISSUE})
_CODE = re.compile(r"[a-z]{0,4}[-_#]?\d{2,6}[a-z]?", re.I)


def unpack_column(variable: Variable) -> list[Variable]:
    """The parts of a column whose levels are crossed, or the column itself."""
    levels = variable.levels
    found = split_crossed(levels)
    if not found or quantities(variable.words, levels):
        return [variable]
    place = {level: i for i, level in enumerate(levels)}
    parts = []
    for number, field in enumerate(found, start=1):
        field = _named_absence(field)
        values = tuple(field[place[v]] if v else "" for v in variable.values)
        kind = kind_of_field(values, default=variable.kind)
        parts.append(
            variable.renamed(name=f"{variable.name}[{number}]", values=_spelled(values), kind=kind)
        )
    return parts


def _named_absence(field: tuple[str, ...]) -> tuple[str, ...]:
    """A field with a name for what some levels have not."""
    there = sorted({value for value in field if value})
    absent = f"no {there[0]}" if len(there) == 1 else "none"
    return tuple(value or absent for value in field)


def unpack_text(variable: Variable) -> list[Variable]:
    """What titles or names tell beside the replicate, field by field, or as a whole."""
    if min(variable.sizes.values()) > 1 and not variable.n_missing and variable.source != NAME:
        # A text that is the same in several samples was written as a column.
        kind = kind_of_field(variable.values, default=OTHER)
        if len(variable.levels) > 2 and all(map(_CODE.fullmatch, variable.levels)):
            kind = SUBJECT
        return unpack_column(variable.renamed(values=_spelled(variable.values), kind=kind))
    values, subjects = _without_subjects([_FILE.sub("", text) for text in variable.values])
    bare = without_replicates(values)
    parts: list[Variable] = []
    if subjects:
        parts.append(
            variable.renamed(name=f"{variable.name}[subject]", values=subjects, kind=SUBJECT)
        )
    whole = variable.renamed(values=_spelled(bare), kind=kind_of_field(bare, default=TEXT))
    fields = _without_identifiers(split_fields(bare))
    if fields is None:
        return [*parts, whole]
    if len(fields) == 1:
        told = fields[0]
        return [
            *parts,
            whole.renamed(values=_spelled(told), kind=kind_of_field(told, default=TEXT)),
        ]
    named = [
        variable.renamed(name=f"{variable.name}[{i}]", values=_spelled(field))
        for i, field in enumerate(fields, start=1)
    ]
    return [*parts, *_unpack_fields(_with_roles(named))]


def _unpack_fields(fields: list[Variable]) -> list[Variable]:
    """Fields, those that tell several things as several; a part that numbers samples is their replicate."""
    done = []
    unpacked = [unpack_column(f) if f.kind in _OPEN else [f] for f in fields]
    flat = [part for parts in unpacked for part in parts]
    for parts in unpacked:
        for part in parts:
            others = [other.codes for other in flat if other is not part]
            if len(parts) > 1 and others and _numbers(part, cross(*others)):
                part = part.renamed(kind=REPLICATE)
            done.append(part)
    return done


def _numbers(field: Variable, rest: Sequence[int]) -> bool:
    """Whether a field only tells apart samples that are the same in all else."""
    pairs = list(zip(rest, field.codes, strict=True))
    numbered = all(_REPLICATE.fullmatch(level) for level in field.levels)
    return numbered and len(set(pairs)) == len(pairs)


def _without_identifiers(fields: Fields | None) -> Fields | None:
    """Fields without those that are different in every text, and without what replicates that leaves."""
    if fields is None or len(fields) < 2:
        return fields
    n = len(fields[0])
    rest = [field for field in fields if len(set(field)) < n or n < 3]
    if not rest or len(rest) == len(fields):
        return fields
    joined = tuple(" | ".join(parts) for parts in zip(*rest, strict=True))
    bare = without_replicates(joined)
    return split_fields(bare) if bare != joined else tuple(rest)


def kind_of_field(values: Sequence[str], default: str) -> str:
    """What a field without a name tells, by its levels."""
    levels = sorted({value for value in values if value})
    lower = {level.lower() for level in levels}
    if len(lower) == 2 and lower & MALE and lower & FEMALE:
        return SEX
    if levels and all(_BATCH.fullmatch(level) for level in levels):
        return BATCH
    if kind := _quantity_kind(levels):
        return kind
    said = [set(words(level)) for level in levels]
    common = set.intersection(*said) if len(said) > 1 else set()
    said = [told - common for told in said]
    if any(said_words & GENOTYPE_WORDS for said_words in said) and default in (
        TEXT,
        OTHER,
        "group",
    ):
        return GENOTYPE
    if default in (TEXT, OTHER, "group"):
        if any(control_of(level, (0, 1, 2), common).word for level in levels):
            return TREATMENT
        if sum(bool(said_words & TISSUE_WORDS) for said_words in said) * 2 > len(said) > 0:
            return TISSUE
    return default


def _quantity_kind(levels: Sequence[str]) -> str:
    if not quantities((), levels):
        return ""
    about = {word for level in levels for word in (quantity(level) or (0, ""))[1].split()}
    if "old" in about or "aged" in about:
        return AGE
    if "development" in about:
        return STAGE
    if "time" in about:
        return TIME
    return DOSE if about & {"mass", "molarity", "gy", "%", "u", "iu", "x", "mg", "kg"} else ""


def _spelled(values: Sequence[str]) -> tuple[str, ...]:
    return merge_spellings(values)[0]


def _without_subjects(texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Texts without `mouse 12`, and the subjects where some stand in several texts."""
    found = [_SUBJECT.search(text) for text in texts]
    if not all(found):
        return tuple(texts), ()
    bare = tuple(
        (text[: m.start()] + text[m.end() :]).strip(" _-,;(") or text
        for text, m in zip(texts, found, strict=True)
        if m
    )
    subjects = tuple(m[1] for m in found if m)
    if len(set(bare)) < 2:
        return tuple(texts), ()
    repeated = len(set(subjects)) < len(subjects)
    # Numbers that begin anew in every group name no animal.
    anew = min(len(set(g)) for g in _grouped(subjects, bare).values()) > 1 and any(
        s.isdigit() and int(s) < 10 for s in subjects
    )
    return bare, subjects if repeated and not anew else ()


def _grouped(values: Sequence[str], by: Sequence[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for value, key in zip(values, by, strict=True):
        groups.setdefault(key, []).append(value)
    return groups


def _with_roles(fields: list[Variable]) -> list[Variable]:
    """Fields with their kinds: those that only number samples or name subjects are told by the others."""
    n = len(fields[0].values) if fields else 0
    roles = [f.renamed(kind=kind_of_field(f.values, default=TEXT)) for f in fields]
    done = []
    for i, field in enumerate(roles):
        others = [f.codes for j, f in enumerate(roles) if j != i and len(f.levels) < n]
        if field.kind == TEXT:
            field = field.renamed(kind=_role(field, others, n))
        done.append(field)
    return done


def _role(field: Variable, others: list[tuple[int, ...]], n: int) -> str:
    levels = field.levels
    if len(levels) == n:
        return IDENTIFIER
    numbered = all(_REPLICATE.fullmatch(level) for level in levels)
    coded = all(_CODE.fullmatch(level) for level in levels)
    if not (numbered or coded):
        return TEXT
    rest = cross(*others) if others else (0,) * n
    if _numbers(field, rest):
        return REPLICATE
    several = sum(n for n in field.sizes.values() if n > 1)
    if coded and len(levels) >= 3 and several >= 0.6 * n and not determines(rest, field.codes):
        return SUBJECT
    return TEXT if not numbered else REPLICATE

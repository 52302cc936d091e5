"""The enrichment of one analysed study: from its part to the part with its terms, once."""

import time
from dataclasses import asdict, dataclass

import numpy as np

from pipeline.enrich.settings import EnrichSettings
from pipeline.enrich.study import choose_candidates, enrich_study
from pipeline.stages.terms import load_terms
from storage.enrichment_parts import EnrichmentPart, enrichment_digest, write_enrichment_part
from storage.errors import StoreError
from storage.files import Files
from storage.hashing import hash_json
from storage.parts import read_part
from storage.schema import SCHEMA_VERSION

# Bump when the enrichment of the same study would come out otherwise; a golden test guards it.
ENRICH_VERSION = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrichTask:
    """One study: `part` and `digest` are the key and the SHA-256 of its result, `key` that of its terms."""

    disk: Files
    study: str
    part: str
    digest: str
    key: str
    terms: str
    settings: EnrichSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrichReceipt:
    """What the driver hears of a study."""

    study: str
    known: bool
    seconds: float


def enrichment_key(digest: str, axis_sha256: str, settings: EnrichSettings) -> str:
    """Key of a study's enrichment: its result, the terms, the settings."""
    versions = [SCHEMA_VERSION, ENRICH_VERSION]
    return hash_json([versions, digest, axis_sha256, asdict(settings)])


def store_key(axis_sha256: str, settings: EnrichSettings) -> str:
    """Key of the enrichment of a compendium."""
    return hash_json([SCHEMA_VERSION, ENRICH_VERSION, axis_sha256, asdict(settings)])[:12]


def enrich_planned(task: EnrichTask) -> EnrichReceipt:
    """Enrich one study, or verify that it was done.

    Raises
    ------
    StoreError
        The study's part is damaged, or is not the one that was compiled.
    """
    started = time.perf_counter()
    known = enrichment_digest(task.disk, task.study, task.key) is not None
    if not known:
        write_enrichment_part(task.disk, make_enrichment(task))
    return EnrichReceipt(study=task.study, known=known, seconds=time.perf_counter() - started)


def make_enrichment(task: EnrichTask) -> EnrichmentPart:
    """Test all terms in all contrasts of a study."""
    part, digest = read_part(task.disk, task.study, task.part)
    if digest != task.digest:
        raise StoreError(
            f"the part of {task.study} is not the one that was compiled; run `dexome compile` first"
        )
    axis = load_terms(task.disk, task.terms)
    values = {
        name: part.statistics[name].astype(np.float64) for name in ("logfc", "neg_log10_adj_p", "t")
    }
    arbitrary = np.array([row["direction"] == "arbitrary" for row in part.contrasts])
    chosen = choose_candidates(values["logfc"], values["neg_log10_adj_p"], arbitrary, task.settings)
    found = enrich_study(axis, values["t"], chosen, arbitrary, task.settings)
    return EnrichmentPart(
        study=task.study,
        key=task.key,
        axis_sha256=axis.sha256,
        contrasts=[str(row["contrast"]) for row in part.contrasts],
        numbers={name: values.tolist() for name, values in found.numbers.items()},
        statistics=found.statistics,
    )

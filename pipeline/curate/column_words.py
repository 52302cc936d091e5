"""The vocabulary of column names: which words head which kind of column.

All is lower case; a name of a column is its words (letters and digits), and a word matches as a whole.
"""

from typing import Final

# What a column tells. The first four say how a sample was handled and are never compared.
TECHNICAL, IDENTIFIER, DATE, REPLICATE = "technical", "identifier", "date", "replicate"
BATCH, SUBJECT, SEX, AGE = "batch", "subject", "sex", "age"
MEASURED = "measurement"
GROUP, TREATMENT, GENOTYPE, DISEASE = "group", "treatment", "genotype", "disease"
TIME, DOSE, STAGE = "time", "dose", "stage"
TISSUE, STRAIN, OTHER, TEXT = "tissue", "strain", "other", "text"

# Kinds that can be compared, likeliest first; what samples are of comes after what was done to them.
FACTOR_KINDS: Final = (
    GROUP, TREATMENT, GENOTYPE, DISEASE, TIME, DOSE, STAGE, TISSUE, STRAIN, OTHER, TEXT, AGE, SEX,
)  # fmt: skip
QUANTITIES: Final = frozenset({TIME, DOSE, STAGE, AGE})
# Within one level of these the others are compared.
STRATA: Final = frozenset({TISSUE, STRAIN})


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Cells that say nothing. "none" is not one of them: an untreated group is often called so.
MISSING: Final = frozenset(
    {
        "",
        "na",
        "n/a",
        "n.a.",
        "nan",
        "null",
        "nd",
        "n.d.",
        "-",
        "--",
        ".",
        "?",
        "missing",
        "unknown",
    }
    | {"not applicable", "not available", "not collected", "not determined", "not provided"}
    | {"not specified", "unspecified", "not recorded", "tbd", "<na>"}
)

# A column with one of these words tells how a sample was handled or measured, never what it is.
TECHNICAL_WORDS: Final = _set(
    """
    accession adapter address avgspotlen barcode bam bases biomaterial biosample bioproject bytes center
    channel city consent contact coverage created datastore depth email experimenter extraction
    fastq file filename filenames files filetype geo gsm gse identifier identifiers index indices instrument
    kit label laboratory layout lib library link machine mapped md5 norm operator path
    pipeline platform processing project protocol provider published purity qc quality reads relation
    release rin rqn scan sequencer sequencing size spots sra srp srr srs srx submission supplementary
    taxid url version well yield vendor manufacturer
    """
)
# The same where they are all of the name ("status" is GEO's, "disease status" is a factor).
TECHNICAL_NAMES: Final = frozenset(
    {
        "assay type",
        "contributor",
        "count",
        "counts",
        "data row count",
        "experiment",
        "assay",
        "extract",
    }
    | {
        "molecule",
        "number",
        "organism",
        "status",
        "species",
        "scientific name",
        "type",
        "run",
        "runs",
        "srx",
    }
    | {"qc summary", "library strategy", "platform", "biosample", "biosample model", "contact"}
    | {"channel count", "submitter", "runs", "id ref", "last update", "common name", "n"}
)
# Names of a sample: they may still hold words on its group.
NAME_NAMES: Final = frozenset(
    {"sample", "samples", "sample name", "name", "row", "row names", "rownames", "sample id", "id"}
    | {
        "label",
        "sample label",
        "sampleid",
        "samplename",
        "sample number",
        "no",
        "nr",
        "library name",
    }
    | {"sample alias", "alias", "short name", "external id", "submitted name", "identifier"}
)
DATE_WORDS: Final = _set("date dates year")
BATCH_WORDS: Final = _set(
    "batch batches lane lanes flowcell plate run cohort experiment series set prep round block"
)
REPLICATE_WORDS: Final = _set("replicate replicates rep repl reps replication")
# Whom a sample is of, where nothing but a word for "which" stands beside it.
SUBJECT_WORDS: Final = _set(
    """
    animal animals dam donor individual litter mice mouse pair participant patient pool rat sire subject
    pup embryo fetus sibling family
    """
)
WHICH_WORDS: Final = _set("code id ids identifier name no nr number num of tag ear eartag pairing")
SEX_WORDS: Final = _set("sex gender sexes")
AGE_WORDS: Final = _set("age ages")
MEASURED_WORDS: Final = _set(
    "birth bmi weight bodyweight glucose score ct ratio percent percentage viability"
)

KEY_WORDS: Final = {
    TREATMENT: _set(
        """
        treatment treatments treated agent agents perturbation drug compound stimulus stimulation stimulated
        exposure exposed intervention infection infected diet feeding fed food injection injected injury
        sirna shrna sgrna grna rnai knockdown transfection transfected transduction transduced virus vector
        ligand cytokine activation activator surgery procedure operation challenge immunization vaccine
        vaccination regimen medication chemical induction inducer inhibitor irradiation radiation dosing
        temperature housing environment exercise training light lighting oxygen condition_treatment
        pathogen bacteria microbiota colonization deprivation stress supplement supplementation therapy
        transplantation manipulation medium media culture stimulant additive overexpression
        """
    ),
    GENOTYPE: _set(
        """
        genotype genotypes variation knockout mutation mutant mutations allele alleles transgene transgenic
        cre gene genetic modification zygosity ko deletion genomic haplotype variant
        """
    ),
    DISEASE: _set(
        """
        disease diagnosis phenotype health pathology tumor tumour cancer response responder outcome
        clinical disorder symptom grade severity infectionstatus status metastasis
        """
    ),
    TIME: _set(
        """
        time timepoint timepoints point day days hour hours hr hrs h week weeks wk minute minutes min month
        months dpi hpi duration zt zeitgeber circadian interval harvest
        """
    ),
    DOSE: _set("dose doses dosage concentration conc amount titer moi"),
    STAGE: _set(
        "stage stages developmental development passage phase differentiation estrus gestation"
    ),
    TISSUE: _set(
        """
        tissue tissues organ cell cells celltype cellline celltypes immunophenotype population subset region
        compartment source origin site location fraction marker markers sorted facs sort layer subtype area
        structure lineage clone
        """
    ),
    STRAIN: _set("strain strains background breed"),
    GROUP: _set(
        """
        group groups condition conditions characteristics class category arm comparison samplegroup factor
        factors type design
        """
    ),
}
# Columns whose levels may be bare numbers and are quantities.
QUANTITY_WORDS: Final = _set(
    """
    time timepoint day days hour hours hr hrs h week weeks minute minutes min month months dose dosage
    concentration conc stage passage dpi hpi age ages
    """
)

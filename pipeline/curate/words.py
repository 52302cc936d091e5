"""The vocabulary of curation: which names head which kind of column, and which words name a control.

All is lower case; a name of a column is its words (letters and digits), and a word matches as a whole.
"""

import re
from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Cells that say nothing. "none" is not one of them: an untreated group is often called so.
MISSING: Final = frozenset(
    {"", "na", "n/a", "n.a.", "nan", "null", "nd", "-", "--", ".", "?", "missing", "unknown"}
    | {"not applicable", "not available", "not collected", "not determined", "not provided"}
)

# A column with one of these words tells how a sample was handled or measured, never what it is.
TECHNICAL_WORDS: Final = _set(
    """
    accession adapter address avgspotlen barcode bam bases batch biosample bioproject bytes center
    channel city consent contact coverage created datastore date email experimenter extract extraction
    fastq file filename filenames files filetype flowcell id identifier identifiers ids index instrument
    kit label laboratory lane layout lib library link machine mapped md5 norm operator organism path
    pipeline plate platform processing project protocol provider published qc quality reads relation
    release rep replicate replicates repl rin row run scan sequencer sequencing size spots sra srp srr
    srs srx submission supplementary taxid title update url version well year
    """
)
# The same where they are all of the name ("status" is GEO's, "disease status" is a factor).
TECHNICAL_NAMES: Final = frozenset(
    {"assay type", "contributor", "count", "counts", "data row count", "description", "experiment"}
    | {"geo", "gse", "gsm", "molecule", "number", "sample", "samples", "sample number", "status"}
    | {
        "species",
        "scientific name",
        "row names",
        "rownames",
        "n",
        "no",
        "nr",
        "name",
        "sample name",
    }
)
# Whom a sample is of, where nothing but a word for "which" stands beside it.
SUBJECT_WORDS: Final = _set(
    """
    animal block cage cohort dam donor individual litter mice mouse pair participant patient pool rat sire
    subject
    """
)
WHICH_WORDS: Final = _set("code id name no nr number of")
COVARIATE_WORDS: Final = _set("age ages birth bmi gender sex weight")

# Columns that are likely to be the factor, likeliest first: what was done, then when and how much of it,
# then what the samples are.
FACTOR_WORDS: Final = (
    "condition", "group", "groups", "treatment", "treatments", "agent", "genotype",
    "genotypes", "phenotype", "perturbation", "drug", "compound", "stimulus", "stimulation",
    "exposure", "intervention", "infection", "disease", "diagnosis", "injury", "diet",
    "knockout", "knockdown", "sirna", "shrna", "mutation", "variation", "allele", "status",
    "time", "timepoint", "day", "days", "hour", "hours", "week", "weeks", "dose", "dosage",
    "concentration", "stage", "developmental", "celltype", "cell", "immunophenotype",
    "population", "tissue", "organ", "strain", "background", "source", "characteristics",
)  # fmt: skip
# Columns whose levels may be bare numbers and are groups all the same: what was done, when, how much.
NUMBERED_WORDS: Final = _set("condition group groups treatment treatments genotype")
QUANTITY_WORDS: Final = _set(
    """
    time timepoint day days hour hours hr hrs h week weeks minute minutes min month months dose dosage
    concentration conc stage passage dpi hpi
    """
)

# Words for a control, best first: a study with "untreated" and "vehicle" means its vehicle.
CONTROL_TIERS: Final[tuple[frozenset[str], ...]] = (
    # Treated as the others are, but for the agent.
    _set(
        """
        vehicle veh mock sham placebo scramble scrambled nontargeting nontarget ntc emptyvector isotype
        """
    ),
    # Not treated, or called control.
    _set(
        """
        control controls ctrl ctrls ctl ctr cntrl cntl con untreated nontreated unstimulated nonstimulated
        uninfected noninfected unexposed nonexposed uninjured noninjured uninduced unchallenged
        unirradiated nonirradiated notreatment nodrug none naive naïve intact healthy normal normoxia
        nondiabetic undiseased nondiseased unmodified unperturbed resting unoperated unt nt nc
        """
    ),
    # What a vehicle is made of, or a harmless gene.
    _set("pbs saline nacl dmso ethanol etoh water h2o media gfp egfp lacz luciferase igg"),
    # Wild type.
    _set(
        """
        wt wildtype +/+ littermate littermates floxed fl/fl flox/flox f/f nontransgenic ntg
        """
    ),
    # Before anything.
    _set(
        """
        chow standard sedentary baseline virgin uninvolved adjacent nontumor nontumour nonpregnant
        """
    ),
)
# Interfering RNA against nothing: siNC, shLuciferase, sgLacZ, siRNA-control.
CONTROL_RNA: Final = re.compile(
    r"(?:si|sh|sg|g)(?:rna)?(?:co?n?tro?ls?|con|nc|nt|ntc|neg|scr(?:ambled?)?|luc(?:iferase)?|e?gfp|lacz"
    r"|non-?target(?:ing)?|rosa(?:26)?)"
)
# These name a control only where a level says nothing else: `GFP+` is a sorted cell.
ALONE_WORDS: Final = _set(
    "gfp egfp lacz luciferase igg water ethanol etoh media none con nt nc unt"
)
# Words that belong together.
CONTROL_PHRASES: Final = {
    phrase: phrase.replace(" ", "")
    for phrase in (
        "non infected",
        "non treated",
        "non stimulated",
        "non exposed",
        "non injured",
        "non diabetic",
        "non diseased",
        "non irradiated",
        "non targeting",
        "non target",
        "non transgenic",
        "non tumor",
        "non tumour",
        "non pregnant",
        "no treatment",
        "no drug",
        "wild type",
        "empty vector",
    )
} | {
    "not infected": "uninfected",
    "not treated": "untreated",
    "no infection": "uninfected",
    "no stimulation": "unstimulated",
}
# A control word after one of these is none: "non control", "not healthy".
NEGATIONS: Final = frozenset({"non", "not", "no", "un", "anti", "ab"})
# Words that add nothing to a control: "control group 1", "vehicle treated mice", "control diet".
NEUTRAL: Final = _set(
    """
    group sample samples treated treatment mice mouse cells cell only alone condition rep replicate diet
    fed injected type
    """
)

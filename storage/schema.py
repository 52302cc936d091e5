"""The compendium's schema: every array, written once; writer, reader, docs and tests loop over it."""

from dataclasses import dataclass

# Bump when bytes on disk change their meaning; old generations are then compiled again from the parts.
SCHEMA_VERSION = 2

CONTRAST = "contrast"
GENE = "gene"
STUDY = "study"
SAMPLE = "sample"

CONTRASTS_STORE = "contrasts.zarr"
STUDIES_GROUP = "studies"
SAMPLES_GROUP = "samples"


@dataclass(frozen=True, slots=True)
class Variable:
    """One array of the compendium.

    `dims` name its axes, gene last; `dtype` is NumPy's name, or "string"; `unit` is UDUNITS-like, "1"
    where there is none.
    """

    name: str
    dims: tuple[str, ...]
    dtype: str
    unit: str
    long_name: str


# (contrast, gene): NaN where a gene is not tested, `logfc` alone also where it is only measured.
STATISTICS = (
    Variable("logfc", (CONTRAST, GENE), "float32", "log2", "log fold change; NaN: not measured"),
    Variable("se", (CONTRAST, GENE), "float32", "log2", "standard error of logfc; NaN: not tested"),
    Variable("t", (CONTRAST, GENE), "float32", "1", "moderated t statistic; NaN: not tested"),
    Variable("neg_log10_p", (CONTRAST, GENE), "float32", "-log10", "p value; NaN: not tested"),
    Variable(
        "neg_log10_adj_p",
        (CONTRAST, GENE),
        "float32",
        "-log10",
        "Benjamini-Hochberg adjusted p value over the tested genes of the contrast; NaN: not tested",
    ),
)

GENE_COLUMNS = (
    Variable("symbol", (GENE,), "string", "1", "gene symbol; empty where the gene list has none"),
    Variable("biotype", (GENE,), "string", "1", "gene biotype; empty where the gene list has none"),
)

CONTRAST_COLUMNS = (
    Variable("study", (CONTRAST,), "string", "1", "study of the contrast"),
    Variable("factor", (CONTRAST,), "string", "1", "sample variable whose levels are compared"),
    Variable("test", (CONTRAST,), "string", "1", "level on the positive side of logfc"),
    Variable("reference", (CONTRAST,), "string", "1", "level on the negative side of logfc"),
    Variable("direction", (CONTRAST,), "string", "1", "why: reference, ordered or arbitrary"),
    Variable(
        "stratum", (CONTRAST,), "string", "1", "levels of other factors that both groups have"
    ),
    Variable("confidence", (CONTRAST,), "float32", "1", "how sure the design is, 0 to 1"),
    Variable("n_test", (CONTRAST,), "int32", "1", "samples in the test group"),
    Variable("n_reference", (CONTRAST,), "int32", "1", "samples in the reference group"),
    Variable("n_tested_genes", (CONTRAST,), "int32", "1", "genes tested in the contrast"),
    Variable("df_total", (CONTRAST,), "float32", "1", "degrees of freedom of t; NaN: no test"),
    Variable("flags", (CONTRAST,), "string", "1", "comma-separated cautions; empty: none"),
)

# One row for each study of the plan, analysed or not.
STUDY_STATISTICS = (
    Variable(
        "ave_expr",
        (STUDY, GENE),
        "float32",
        "log2 cpm",
        "average expression over the study's samples; NaN: did not pass the expression filter",
    ),
    # All NaN where one number holds for all genes, which then takes no space.
    Variable(
        "s2_prior_by_gene",
        (STUDY, GENE),
        "float32",
        "1",
        "prior variance where it has a trend; NaN: see s2_prior",
    ),
    Variable(
        "df_prior_by_gene",
        (STUDY, GENE),
        "float32",
        "1",
        "prior degrees of freedom where they are robust; NaN: see df_prior",
    ),
)

STUDY_COLUMNS = (
    Variable("status", (STUDY,), "string", "1", "analysed, no_replication, refused or failed"),
    Variable("reason", (STUDY,), "string", "1", "reason code where not analysed; empty: none"),
    Variable("message", (STUDY,), "string", "1", "the reason in a sentence; empty: none"),
    Variable("n_samples", (STUDY,), "int32", "1", "samples in the model; -1: not analysed"),
    Variable("n_contrasts", (STUDY,), "int32", "1", "contrasts of the study; 0: not analysed"),
    Variable("n_measured", (STUDY,), "int32", "1", "genes with at least one count; -1: unknown"),
    Variable("n_tested", (STUDY,), "int32", "1", "genes that passed the expression filter"),
    Variable("df_residual", (STUDY,), "float32", "1", "residual degrees of freedom of the model"),
    Variable("s2_prior", (STUDY,), "float32", "1", "prior variance; NaN: none, or by gene"),
    Variable(
        "df_prior", (STUDY,), "float32", "1", "prior degrees of freedom; NaN: none, or by gene"
    ),
    Variable("design", (STUDY,), "string", "1", "columns of the design matrix, comma-separated"),
    Variable("covariates", (STUDY,), "string", "1", "what is adjusted for, comma-separated"),
    Variable("block", (STUDY,), "string", "1", "variable of the subject; empty: no blocks"),
    Variable("confidence", (STUDY,), "float32", "1", "how sure the design is, 0 to 1; NaN: none"),
    Variable("overruled", (STUDY,), "string", "1", "what a person said, comma-separated"),
    Variable("id_kind", (STUDY,), "string", "1", "kind of gene id in the count table"),
    Variable("rows_mapped", (STUDY,), "int32", "1", "rows of the count table on the gene axis"),
    Variable("rows_ambiguous", (STUDY,), "int32", "1", "rows that name more than one gene"),
    Variable("rows_lost", (STUDY,), "int32", "1", "rows that name no gene of the axis"),
    Variable("counts_mapped", (STUDY,), "float64", "1", "share of the counts on the gene axis"),
    Variable("counts_ambiguous", (STUDY,), "float64", "1", "share of counts in ambiguous rows"),
    Variable("counts_lost", (STUDY,), "float64", "1", "share of counts in lost rows"),
    Variable("part", (STUDY,), "string", "1", "key of the part that holds the study's result"),
    Variable("engine_version", (STUDY,), "int32", "1", "version of the statistics; -1: none"),
    Variable("flags", (STUDY,), "string", "1", "comma-separated cautions; empty: none"),
)

SAMPLE_COLUMNS = (
    Variable("study", (SAMPLE,), "string", "1", "study of the sample"),
    Variable("runs", (SAMPLE,), "string", "1", "runs summed into the sample, comma-separated"),
    Variable("group", (SAMPLE,), "string", "1", "level in the model; empty: not in the model"),
    Variable("used", (SAMPLE,), "bool", "1", "in the model"),
    Variable("why_not", (SAMPLE,), "string", "1", "why the sample was left out; empty: used"),
    Variable("library_size", (SAMPLE,), "float64", "1", "counts of the tested genes; NaN: unused"),
    Variable("norm_factor", (SAMPLE,), "float64", "1", "TMM normalisation factor; NaN: unused"),
    Variable("weight", (SAMPLE,), "float64", "1", "sample quality weight; 1 without; NaN: unused"),
    Variable("block", (SAMPLE,), "string", "1", "block (subject) of the sample; empty: none"),
)

"""Why a study is not analysed: every reason code, and what it means."""

from storage.errors import DexomeError

# Reader, curation, docs and tests loop over this table.
REASONS: dict[str, str] = {
    # The files.
    "no_counts": "the study's folder has no count table",
    "several_tables": "the study's folder has more than one count table, or more than one sample table",
    "unreadable": "a file can't be read",
    "damaged_gzip": "a gzip file is cut short or damaged",
    "excel_file": "a file is an Excel workbook, not text",
    "not_text": "a file is binary, or not UTF-8",
    "empty_table": "a table has no header, or no rows below it",
    "no_header": "a count table has no header line",
    "no_samples": "a count table has no column but the ids, or its separator is not known",
    "ragged_row": "a row has more or fewer fields than the header",
    "unnamed_column": "a column of counts has no name",
    "duplicate_samples": "two columns of a count table have one name",
    "annotation_column": "a column of text stands beside the ids",
    "bad_count": "a count is no number, or not finite",
    "missing_count": "a count is missing",
    "negative_count": "a count is negative",
    "not_counts": "the values are normalised or on a log scale",
    "bad_run_table": "a run table of SRA has no column of runs",
    "bad_geo": "a GEO file is no series matrix or family SOFT file, or is damaged",
    # What is downloaded.
    "not_fetched": "the study's files are not here; `dexome fetch` gets them",
    "not_downloaded": "a server did not give the study's files; the next fetch tries again",
    "not_on_server": "the server has no counts of the study; the next fetch asks again",
    "damaged_download": "a file is not what was asked for, or is damaged; the next fetch tries again",
    "too_many_runs": "the project has more runs than max_runs: most likely it is of single cells",
    "archives_differ": "two archives of one study count other genes",
    "no_runs": "no run of the study passes the quality settings and has counts",
    "no_rna_seq": "no sample of the study is one of bulk RNA-seq of the organism",
    # The gene axis.
    "ids_lost": "too many of the counts stand under ids that are not on the gene axis",
    "zero_counts": "no sample has a count on the gene axis",
    # The samples.
    "samples_mismatch": "names in the sample table and in the count table do not match",
    "duplicate_sample_rows": "two rows of the sample table name one sample",
    # The comparison.
    "unknown_factor": "the sample table has no column of the name that the settings give as factor",
    "unknown_reference": "the factor has no usable level of the name that the settings give as reference",
    "unknown_column": "the sample table has no column of the name that the design gives to adjust for",
    "unknown_sample": "the study has no sample of the name that the design gives",
    "unknown_contrast": "a contrast of the design names no two groups of the study",
    "no_factor": "nothing in the sample table tells groups of samples",
    "too_few_samples": "fewer than two samples can be used",
    "one_condition": "all usable samples are in one group",
    "no_replicates": "fewer than two groups have replicates",
    "mixed_factors": "no two groups differ in one factor alone",
    "confounded": "the groups can't be told from batches, or from another variable",
    "too_many_levels": "the column that tells groups has too many levels to be sure that it is the factor",
    # The analysis.
    "zero_library": "a sample has no count of an expressed gene",
    "nothing_expressed": "no gene passes the expression filter",
    "changed": "the study's files changed between plan and analysis; the next run does it",
    "failed": "the analysis ended in an error of its own; the next run tries again",
    "worker_died": "workers died of the study, three beside others and three while it was alone, or three "
    "jobs of an array; the next run tries again",
    "too_large": "a worker has too little memory for the study; the next run looks again",
    "several_factors": "more than one variable could be the factor, and it is not sure which",
}


class Refusal(DexomeError):  # noqa: N818 (a finding, recorded and passed over)
    """A study that can't be analysed, and why: the run records it and goes on.

    `code` is a key of `REASONS`; `message` is one sentence: the thing, the value, the cure.
    """

    def __init__(self, code: str, message: str) -> None:
        if code not in REASONS:
            raise ValueError(f"{code!r} is no reason code; add it to REASONS")
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message

"""The first `dexome.toml` of a workspace: what was asked for, and the other settings as comments."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.source_template import quoted, source_text
from pipeline.sources.settings import SourceConfig
from storage.errors import InputError

TEMPLATE = """\
# The gene axis: a table (TSV or CSV, gzipped or not) whose column of gene ids (ensembl_gene_id, gene_id, …)
# is the axis, in its order; its symbols, Entrez and MGI ids are what count tables may have in their place.
[genes]
list = {genes}

{source}
# What is compared is found by rules (`dexome explain STUDY` says how); say so where you know better:
# [studies.GSE12345]
# factor = "treatment"            # or several: ["treatment", "time"]
# reference = "vehicle"
# contrasts = ["LPS vs vehicle"]
# leave_out = ["GSM1234567"]
# covariates = ["batch"]
# block = "mouse"
#
# Or keep all that in a file of its own, with one table [GSE12345] for each study:
# [designs]
# file = "designs.toml"

# Samples of another organism are left out. Without this it is the species of [source], or of the axis' ids.
# [curate]
# organism = "Mus musculus" # "" for any

# How much of a study's counts may stand under ids that are not on the gene axis.
# [mapping]
# max_lost_share = 0.2

# How studies are analysed; these are the defaults.
# [dea]
# method = "voom"          # or "trend"
# filter = "expressed"     # or "none"
# tested = "contrast"      # or "study", as R does
# deviations = "exact"     # or "parity", as R does

# Terms of every contrast: an ontology (OBO) and an annotation (GAF, gene2go, GMT, or gene and term).
{enrich}
# relations = "all"        # or "is_a_part_of"
# [enrich.evidence]
# exclude = ["ND"]         # evidence codes that do not count; NOT rows never do
# [enrich.tests]
# min_logfc = 0.0          # least |log2 fold change| of a candidate, beside adjusted p < 0.05
# random_sets = 1000

# What is learned from; these are the defaults.
# [prepare.split]
# by = "component"         # studies that share samples are placed together; or "row", as the paper did
# train = 0.7
# validation = 0.15        # the rest is test
# [prepare.genes]
# observed = "tested"      # or "measured"
# min_contrasts = 50       # tested training contrasts that a gene needs, from min_studies = 10 studies
# [prepare.copy]
# se = false               # standard errors too, for a loss that weighs by them

# What learns, and how; these are the defaults. `dexome train --preset paper` has the paper's.
# With a table [train], `dexome run` trains a model too, codes all contrasts with it and scores it.
# [train]
# name = "main"            # what `dexome run` calls the model
# [train.network]
# code = 256               # width of the latent code
# encoder = [512]          # widths of hidden layers before it, and
# decoder = [512]          # behind it, beside a linear path that starts
# initial = "pca"          # as the principal components; or "random"
# input_dropout = 0.0      # share of the entries hidden from the input while training
# [train.fit]
# epochs = 50
# batch_size = 128
# learning_rate = 1e-3

# Machines to use; without a profile, one worker process for each core of this one.
# [cluster.laptop]
# kind = "local"
# workers = 2
# memory_gib = 4.0
# [cluster.slurm]          # also pbs, sge, lsf, ssh, kubernetes, gateway, address: see docs/clusters.md
# kind = "slurm"
# maximum = 40             # as many jobs as there is work for; or workers = 40, always
# interface = "ib0"        # what the nodes can reach; without it, only this machine
# options = {{ queue = "main", walltime = "04:00:00" }}
"""


def first_config(genes: Path, source: Path | SourceConfig, terms: Mapping[str, Path | None]) -> str:
    """The text of a new configuration.

    Parameters
    ----------
    terms
        The `annotation` and the `ontology` of the enrichment; None: none.

    Raises
    ------
    InputError
        A file or folder is not there, or there is an ontology without an annotation.
    """
    return TEMPLATE.format(
        genes=quoted(genes.resolve()), source=source_text(source), enrich=_enrich_text(terms)
    )


def _enrich_text(terms: Mapping[str, Path | None]) -> str:
    """The table `[enrich]`, commented out without an annotation."""
    for name, file in terms.items():
        if file is not None and not file.is_file():
            raise InputError(f"{file} is no file; give the {name} with --{name}")
    if terms["annotation"] is None:
        if terms["ontology"] is not None:
            raise InputError("--ontology needs an --annotation: which gene has which term")
        return '# [enrich]\n# ontology = "go-basic.obo"\n# annotation = "mgi.gaf.gz"'
    return "\n".join(
        [
            "[enrich]",
            *(f"{name} = {quoted(file.resolve())}" for name, file in terms.items() if file),
        ]
    )

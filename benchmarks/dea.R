# CPU seconds of limma's pipeline for one study: Rscript dea.R ORACLE FOLDER REPEATS
#
# FOLDER is as oracle.R takes it. The filter is applied before the clock starts; R's start-up is not in it.
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[2]
local({
  commandArgs <- function(...) character()
  source(arguments[1], local = FALSE)
})
study <- read_study(folder)
spec <- study$spec
design <- study$design
contrasts <- study$contrasts
block <- study$block
kept <- study$counts[suppressMessages(filterByExpr(study$counts, design = design)), ]

pipeline <- function() {
  dge <- calcNormFactors(DGEList(kept))
  trend <- spec["method"] == "trend"
  correlation <- NULL
  if (trend) {
    v <- cpm(dge, log = TRUE, prior.count = 2)
  } else if (spec["weights"] == "1") {
    v <- voomWithQualityWeights(dge, design)
  } else v <- voom(dge, design)
  if (!is.null(block)) {
    correlation <- duplicateCorrelation(v, design, block = block)$consensus.correlation
    if (!trend) {
      v <- voom(dge, design, block = block, correlation = correlation)
      correlation <- duplicateCorrelation(v, design, block = block)$consensus.correlation
    }
    fit <- lmFit(v, design, block = block, correlation = correlation)
  } else fit <- lmFit(v, design)
  fit <- eBayes(contrasts.fit(fit, contrasts), trend = trend, robust = spec["robust"] == "1")
  for (k in seq_len(ncol(contrasts))) topTable(fit, coef = k, number = Inf, sort.by = "none")
}

seconds <- sapply(seq_len(as.integer(arguments[3])), function(i) {
  gc()
  before <- proc.time()
  pipeline()
  sum((proc.time() - before)[c("user.self", "sys.self")])
})
write_doubles(folder, "seconds", min(seconds))

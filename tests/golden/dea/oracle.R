# R's answer for one study, as a black box: Rscript oracle.R FOLDER
#
# FOLDER holds spec.txt (key=value) and little-endian doubles: counts.f64 (gene fastest within sample),
# design.f64 and contrasts.f64 (column by column), optionally block.f64. Written back: R_*.f64.
suppressPackageStartupMessages({library(limma); library(edgeR)})

read_spec <- function(folder) {
  lines <- readLines(file.path(folder, "spec.txt"))
  setNames(sub("^[^=]*=", "", lines), sub("=.*$", "", lines))
}

read_doubles <- function(folder, name) {
  path <- file.path(folder, paste0(name, ".f64"))
  if (!file.exists(path)) return(NULL)
  readBin(path, "double", file.size(path) / 8, endian = "little")
}

write_doubles <- function(folder, name, x) {
  if (is.null(x)) return(invisible())
  writeBin(as.double(x), file.path(folder, paste0("R_", name, ".f64")), endian = "little")
}

# One study: a list of numbers. Genes are those of the filter.
analyse <- function(counts, design, contrasts, spec, block = NULL) {
  span <- as.numeric(spec["span"])
  robust <- spec["robust"] == "1"
  keep <- if (spec["filter"] == "expressed") {
    suppressMessages(filterByExpr(counts, design = design))
  } else rep(TRUE, nrow(counts))
  dge <- calcNormFactors(DGEList(counts[keep, , drop = FALSE]))
  weights <- rep(1, ncol(counts))
  correlation <- NULL
  if (spec["method"] == "voom") {
    if (!is.null(block)) {
      v <- voom(dge, design, span = span)
      correlation <- duplicateCorrelation(v, design, block = block)$consensus.correlation
      v <- voom(dge, design, span = span, block = block, correlation = correlation)
      correlation <- duplicateCorrelation(v, design, block = block)$consensus.correlation
    } else if (spec["weights"] == "1") {
      v <- voomWithQualityWeights(dge, design, span = span)
      weights <- v$targets$sample.weights
    } else v <- suppressWarnings(voom(dge, design, span = span))
    fit <- if (is.null(block)) lmFit(v, design) else
      lmFit(v, design, block = block, correlation = correlation)
  } else {
    z <- cpm(dge, log = TRUE, prior.count = 2)
    if (!is.null(block)) {
      correlation <- duplicateCorrelation(z, design, block = block)$consensus.correlation
      fit <- lmFit(z, design, block = block, correlation = correlation)
    } else if (spec["weights"] == "1") {
      weights <- arrayWeights(z, design)
      fit <- lmFit(z, design, weights = weights)
    } else fit <- lmFit(z, design)
  }
  out <- list(keep = keep, norm_factors = dge$samples$norm.factors, library_sizes = dge$samples$lib.size,
              ave_expr = fit$Amean, sigma = fit$sigma, sample_weights = weights,
              correlation = correlation)
  fc <- contrasts.fit(fit, contrasts)
  out$logfc <- fc$coefficients
  if (all(fit$df.residual == 0)) return(out)
  lfc <- as.numeric(spec["lfc"])
  eb <- eBayes(fc, trend = spec["method"] == "trend", robust = robust)
  out$se <- fc$stdev.unscaled * sqrt(eb$s2.post)
  out$t <- eb$t
  out$p_value <- eb$p.value
  out$lods <- eb$lods
  out$s2_prior <- eb$s2.prior
  out$df_prior <- eb$df.prior
  out$df_total <- eb$df.total
  out$f <- eb$F
  out$f_p_value <- eb$F.p.value
  out$adj_p_value <- apply(eb$p.value, 2, p.adjust, method = "BH")
  out$log_p <- log(2) + pt(abs(eb$t), eb$df.total, lower.tail = FALSE, log.p = TRUE)
  if (spec["exact"] == "1") {
    exact <- lapply(seq_len(ncol(contrasts)), function(k) {
      again <- contrastAsCoef(design, contrasts[, k])$design
      eb1 <- eBayes(lmFit(if (spec["method"] == "voom") v else z, again),
                    trend = spec["method"] == "trend", robust = robust)
      cbind(eb1$stdev.unscaled[, 1] * sqrt(eb1$s2.post), eb1$t[, 1])
    })
    out$exact_se <- sapply(exact, function(m) m[, 1])
    out$exact_t <- sapply(exact, function(m) m[, 2])
  }
  if (lfc > 0) {
    tr <- treat(fc, lfc = lfc, trend = spec["method"] == "trend", robust = robust)
    out$treat_t <- tr$t
    out$treat_p_value <- tr$p.value
  }
  out
}

read_study <- function(folder) {
  spec <- read_spec(folder)
  n <- as.integer(spec["n_samples"])
  counts <- matrix(read_doubles(folder, "counts"), ncol = n)
  dimnames(counts) <- list(seq_len(nrow(counts)), seq_len(n))
  design <- matrix(read_doubles(folder, "design"), nrow = n)
  colnames(design) <- paste0("c", seq_len(ncol(design)))
  contrasts <- matrix(read_doubles(folder, "contrasts"), nrow = ncol(design))
  block <- read_doubles(folder, "block")
  list(spec = spec, counts = counts, design = design, contrasts = contrasts, block = block)
}

main <- function(folder) {
  study <- read_study(folder)
  out <- analyse(study$counts, study$design, study$contrasts, study$spec, study$block)
  for (name in names(out)) write_doubles(folder, name, out[[name]])
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) >= 1 && file.exists(file.path(arguments[1], "spec.txt"))) main(arguments[1])

# Make the goldens of the statistics: Rscript make_goldens.R, in this folder.
#
# Counts are simulated here; every number beside them is limma's and edgeR's own (oracle.R).
# A file is gzipped: lines "name type length" (i4, u1, f8) and "# key value", an empty line, then the
# little-endian arrays in that order. Statistics are kept for every STEP-th gene of the filter.
source("oracle.R")

STEP <- 6
GENES <- 3000

write_golden <- function(path, keys, arrays) {
  type <- function(x) if (is.logical(x)) "u1" else if (is.integer(x)) "i4" else "f8"
  con <- gzfile(path, "wb", compression = 9)
  on.exit(close(con))
  lines <- c(if (length(keys)) paste("#", names(keys), keys),
             sprintf("%s %s %d", names(arrays), sapply(arrays, type), lengths(arrays)), "")
  writeBin(charToRaw(paste0(lines, "\n", collapse = "")), con)
  for (x in arrays) {
    if (is.logical(x)) writeBin(as.raw(x), con)
    else writeBin(as.vector(x), con, endian = "little")
  }
}

simulate <- function(group, batch = NULL, outlier = NULL, dispersion = TRUE, genes = GENES) {
  n <- length(group)
  level <- as.integer(factor(group))
  base <- rgamma(genes, 0.35) + 1e-9
  base <- base / sum(base)
  change <- matrix(1, genes, max(level))
  for (l in seq_len(max(level))[-1]) {
    hit <- runif(genes) < 0.08
    change[hit, l] <- 2^rnorm(sum(hit), 0, 1.5)
  }
  mu <- base * change[, level] * rep(runif(n, 1.0e6, 2.5e6), each = genes)
  if (!is.null(batch)) {
    effect <- matrix(2^rnorm(genes * max(batch), 0, 0.4), genes)
    mu <- mu * effect[, batch]
  }
  if (!is.null(outlier)) mu[, outlier] <- mu[, outlier] * 2^rnorm(genes, 0, 0.8)
  if (!dispersion) return(matrix(rpois(genes * n, mu), genes))
  phi <- 0.04 + rgamma(genes, 1) * 0.05 + 1 / (1 + base * 2e6)
  matrix(rnbinom(genes * n, mu = mu, size = 1 / phi), genes)
}

repeated <- function(sizes) rep(LETTERS[seq_along(sizes)], sizes)
designs <- list(
  d01 = list(group = repeated(c(3, 3))),
  d02 = list(group = repeated(c(2, 2))),
  d03 = list(group = repeated(c(1, 1))),
  d04 = list(group = repeated(c(3, 3, 3, 3))),
  d05 = list(group = repeated(c(3, 3, 3, 3)), batch = c(1, 1, 2, 1, 2, 2, 1, 2, 2, 1, 1, 2)),
  d06 = list(group = repeated(c(12, 12))),
  d07 = list(group = repeated(c(2, 7, 1))),
  d08 = list(group = repeated(rep(20, 5)), contrasts = c("B-A", "E-A", "D-C")),
  d09 = list(group = rep(c("A", "B"), 6), block = rep(1:6, each = 2), fixed = TRUE),
  d10 = list(group = repeated(c(4, 4)), outlier = 3),
  d11 = list(group = repeated(rep(50, 6)), genes = 1500, contrasts = c("B-A", "F-A", "D-C")),
  # C is only in batch 3: its column is aliased, and A against B can still be estimated.
  d12 = list(group = repeated(c(3, 3, 3)), batch = c(1, 1, 2, 1, 2, 2, 3, 3, 3), contrasts = "B-A"),
  d13 = list(group = rep(c("A", "B"), 6), block = c(1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8)),
  d14 = list(group = repeated(c(3, 3)), dispersion = FALSE),
  d15 = list(group = repeated(c(5, 4, 4)), batch = c(1, 2, 3, 1, 2, 2, 1, 3, 3, 2, 1, 3, 2)),
  d16 = list(group = repeated(c(2, 1)))
)

case <- function(design, method = "voom", filter = "expressed", robust = 0, weights = 0, span = 0.5,
                 lfc = 0, exact = 0) {
  list(design = design, spec = c(method = method, filter = filter, robust = robust, weights = weights,
                                 span = span, lfc = lfc, exact = exact))
}
cases <- c(
  lapply(names(designs), case),
  lapply(setdiff(names(designs), c("d03", "d11")), case, method = "trend"),
  list(
    case("d01", robust = 1), case("d04", robust = 1, method = "trend"), case("d14", robust = 1),
    case("d10", weights = 1), case("d10", weights = 1, method = "trend"), case("d05", weights = 1),
    case("d01", filter = "none"), case("d01", filter = "none", method = "trend"),
    case("d01", span = 0.4), case("d04", lfc = 0.5), case("d05", exact = 1), case("d15", exact = 1)
  )
)

name_of <- function(x) {
  spec <- x$spec
  extra <- c(if (spec["filter"] == "none") "none", if (spec["robust"] == 1) "robust",
             if (spec["weights"] == 1) "weights", if (spec["span"] != 0.5) "span",
             if (spec["lfc"] > 0) "treat", if (spec["exact"] == 1) "exact")
  paste(c(x$design, spec["method"], extra), collapse = "-")
}

made <- list()
for (name in names(designs)) {
  d <- designs[[name]]
  set.seed(20231123 + match(name, names(designs)))
  counts <- simulate(d$group, if (is.null(d$batch)) d$block else d$batch, d$outlier,
                     !isFALSE(d$dispersion), if (is.null(d$genes)) GENES else d$genes)
  levels <- sort(unique(d$group))
  pairs <- if (is.null(d$contrasts)) combn(levels, 2, function(p) paste0(p[2], "-", p[1])) else d$contrasts
  group <- factor(d$group, levels)
  design <- model.matrix(~ 0 + group)
  as_columns <- if (isTRUE(d$fixed)) d$block else d$batch
  if (!is.null(as_columns)) design <- cbind(design, model.matrix(~ factor(as_columns))[, -1, drop = FALSE])
  decomposed <- qr(design)
  design <- design[, sort(decomposed$pivot[seq_len(decomposed$rank)])]
  contrasts <- sapply(strsplit(pairs, "-"), function(p) {
    (levels[seq_len(ncol(design))] %in% p[1]) - (levels[seq_len(ncol(design))] %in% p[2])
  })
  made[[name]] <- list(counts = counts, design = design, contrasts = as.matrix(contrasts),
                       block = if (!isTRUE(d$fixed)) d$block)
  keys <- c(group = paste(d$group, collapse = ","), contrasts = paste(pairs, collapse = ","))
  if (!is.null(d$batch)) keys["batch"] <- paste(d$batch, collapse = ",")
  if (!is.null(d$block)) keys["block"] <- paste(d$block, collapse = ",")
  # Genes differ little from one sample to the next: sorted so, the counts compress best.
  write_golden(paste0(name, ".counts.gz"), keys, list(counts = as.integer(t(counts))))
}

for (x in cases) {
  m <- made[[x$design]]
  dimnames(m$counts) <- list(seq_len(nrow(m$counts)), seq_len(ncol(m$counts)))
  out <- analyse(m$counts, m$design, m$contrasts, x$spec, m$block)
  some <- seq(1, sum(out$keep), by = STEP)
  arrays <- list(keep = out$keep)
  if (!is.null(out$adj_p_value)) arrays$called <- as.vector(out$adj_p_value < 0.05)
  for (stat in setdiff(names(out), c("keep", "log_p", "se"))) {
    value <- out[[stat]]
    if (is.null(value)) next
    if (is.matrix(value)) value <- value[some, , drop = FALSE]
    else if (length(value) == sum(out$keep) && !stat %in% c("norm_factors")) value <- value[some]
    arrays[[stat]] <- as.double(value)
  }
  write_golden(paste0(name_of(x), ".gz"), x$spec, arrays)
}

# The far tail: log p on a grid of t and df.
grid <- expand.grid(t = c(0, 1e-3, 0.5, 2, 5, 10, 14, 30, 38, 60, 100, 300, 1000, 1e5),
                    df = c(0.3, 1, 2.5, 4, 8.3, 20, 60, 300, 800, 5000, 1e5, 1e8, 1e12, Inf))
tail <- log(2) + pt(grid$t, grid$df, lower.tail = FALSE, log.p = TRUE)
write_golden("tails.gz", c(), list(t = as.double(grid$t), df = as.double(grid$df), log_p = tail))

versions <- c(R = R.version.string,
              sapply(c("limma", "edgeR", "statmod"), function(p) as.character(packageVersion(p))))
writeLines(paste(names(versions), versions), "versions.txt")

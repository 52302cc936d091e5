"""RNA-seq studies with known truth: a universe of genes and programs, and any number of studies of it."""

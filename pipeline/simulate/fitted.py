"""Numbers fitted to twelve real mouse studies by `benchmarks/fit_simulator.py`."""

# (share of genes, log2 counts per million) of a gene's mean in one study; silent below the first share.
# By rank from the top over 48,978 genes: the number of genes above an abundance hardly varies between
# tables with 24,000 and 57,000 rows. The first pair is extrapolated from the next.
ABUNDANCE = (
    (0.3060, -10.00), (0.3467, -9.03), (0.3875, -8.07), (0.4283, -6.57), (0.4692, -6.36),
    (0.5100, -5.40), (0.5508, -4.54), (0.5917, -3.63), (0.6325, -2.70), (0.6733, -1.62),
    (0.6938, -1.23), (0.7142, -0.33), (0.7346, 0.71), (0.7550, 1.63), (0.7754, 2.41),
    (0.7958, 3.07), (0.8163, 3.63), (0.8367, 4.16), (0.8775, 4.97), (0.9184, 5.82),
    (0.9592, 6.82), (0.9796, 7.58), (0.9898, 8.18), (0.9980, 9.65), (0.9998, 11.71),
    (1.0000, 13.32),
)  # fmt: skip
# Spread between studies of the number of genes above an abundance (natural log).
EXPRESSED_SD = 0.1

# Correlation of abundance scores, normal over the genes: of two tissues, and of two studies of one.
TISSUE_CORRELATION = 0.92
STUDY_CORRELATION = 0.989

# Negative-binomial dispersion at an abundance (log2 counts per million).
DISPERSION = (
    (-6.0, 0.2501), (-4.0, 0.1260), (-2.0, 0.0910), (-0.5, 0.0549), (0.5, 0.0459), (1.5, 0.0308),
    (2.5, 0.0193), (3.5, 0.0116), (4.5, 0.0075), (5.5, 0.0061), (6.5, 0.0055), (7.5, 0.0065),
    (9.0, 0.0078),
)  # fmt: skip
# (share of studies, natural log of a study's dispersion over the trend), constant beyond the ends.
DISPERSION_LEVEL = ((0.10, -0.55), (0.25, -0.23), (0.50, -0.07), (0.75, 0.45), (0.90, 1.58))
# Spread over genes about it (natural log), and what share of that variance a gene keeps in every study.
DISPERSION_GENE_SD = 0.9
DISPERSION_GENE_SHARED = 0.37

# (share of studies, median library size), and its standard deviation within a study (natural log).
LIBRARY_MEDIAN = ((0.0, 1.22e7), (0.25, 1.68e7), (0.5, 2.23e7), (0.75, 3.56e7), (1.0, 5.14e7))
LIBRARY_SD = ((0.0, 0.043), (0.25, 0.075), (0.5, 0.131), (0.75, 0.197), (1.0, 0.474))

# (samples in a group, share of studies). Up to 5 as in the real studies; the tail is by hand.
GROUP_SIZES = (
    (2, 0.20), (3, 0.40), (4, 0.26), (5, 0.05), (6, 0.04), (8, 0.03), (10, 0.01), (12, 0.01),
)  # fmt: skip

# (biotype, share of 48,978 genes, shift of its abundance scores in standard deviations within a biotype).
BIOTYPES = (
    ("protein_coding", 0.445, 0.70),
    ("lncRNA", 0.180, -0.35),
    ("processed_pseudogene", 0.180, -0.32),
    ("TEC", 0.060, -0.25),
    ("unprocessed_pseudogene", 0.050, -0.88),
    ("snoRNA", 0.030, -0.77),
    ("miRNA", 0.030, -0.70),
    ("snRNA", 0.025, -0.73),
)

"""The enrichment store's schema: terms of every contrast, up, down and both."""

from storage.schema import CONTRAST, Variable

DIRECTION = "direction"
TERM = "term"
DOMAIN = "domain"

DIRECTIONS = ("up", "down", "both")
UP, DOWN, BOTH = range(3)

_ROWS = (CONTRAST, DIRECTION, TERM)
_NOT_TESTED = "NaN: not tested"
_LABEL = "1: enriched, 0: not, -1: not testable"

# (contrast, direction, term): where a direction has no candidates, or a term no gene in the background,
# the first four are NaN and overlap is -1.
TERM_STATISTICS = (
    Variable("overlap", _ROWS, "int32", "1", "candidates in the term (x); -1: not tested"),
    Variable(
        "neg_log10_p",
        _ROWS,
        "float32",
        "-log10",
        f"hypergeometric p of that many candidates or more; {_NOT_TESTED}",
    ),
    Variable(
        "neg_log10_adj_p",
        _ROWS,
        "float32",
        "-log10",
        f"p adjusted by Benjamini-Hochberg over the domain's terms; {_NOT_TESTED}",
    ),
    Variable(
        "fwer",
        _ROWS,
        "float32",
        "1",
        f"family-wise error rate of p in the domain, from random sets; {_NOT_TESTED}",
    ),
    Variable(
        "rank_neg_log10_p",
        _ROWS,
        "float32",
        "-log10",
        f"rank sum p that t is high (up), low (down), or far from 0 (both); {_NOT_TESTED}",
    ),
    Variable(
        "rank_fwer",
        _ROWS,
        "float32",
        "1",
        f"family-wise error rate of the rank sum's p, from shuffles; {_NOT_TESTED}",
    ),
    Variable("label", _ROWS, "int8", "1", f"by fwer; {_LABEL}"),
    Variable("label_closed", _ROWS, "int8", "1", f"label, with all terms above; {_LABEL}"),
    Variable("label_raw", _ROWS, "int8", "1", f"by raw p, unadjusted; {_LABEL}"),
    Variable("label_raw_closed", _ROWS, "int8", "1", f"label_raw, with all terms above; {_LABEL}"),
    Variable("label_rank", _ROWS, "int8", "1", f"by rank_fwer; {_LABEL}"),
    Variable(
        "label_rank_closed", _ROWS, "int8", "1", f"label_rank, with all terms above; {_LABEL}"
    ),
)

# Why a direction of a contrast has no candidate test in a domain: code and meaning.
TESTABLE = {
    0: "testable",
    1: "too_few_candidates",
    2: "no_candidates",
    3: "arbitrary_direction",
    4: "no_replication",
    5: "no_background",
    6: "failed",
}

# Small, and read whole: per contrast and domain.
CONTRAST_NUMBERS = (
    Variable(
        "n_candidates",
        (CONTRAST, DIRECTION, DOMAIN),
        "int32",
        "1",
        "candidates with a term in the domain (M)",
    ),
    Variable(
        "n_background",
        (CONTRAST, DOMAIN),
        "int32",
        "1",
        "tested genes of the contrast with a term in the domain (N)",
    ),
    Variable(
        "testable",
        (CONTRAST, DIRECTION, DOMAIN),
        "int8",
        "1",
        "why label and label_raw are -1: see flag_meanings",
    ),
)

TERM_COLUMNS = (
    Variable("name", (TERM,), "string", "1", "what the term is called"),
    Variable("domain_of_term", (TERM,), "string", "1", "namespace of the term"),
    Variable("n_genes", (TERM,), "int32", "1", "genes of the gene axis in the term or below it"),
)

# (contrast, term)
CONTRAST_TERM_STATISTICS = (
    Variable(
        "term_size",
        (CONTRAST, TERM),
        "int32",
        "1",
        "genes of the contrast's background in the term or below it (K)",
    ),
)

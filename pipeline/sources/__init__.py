"""Files to counts on the gene axis and sample tables."""

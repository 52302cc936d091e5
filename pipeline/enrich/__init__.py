"""Gene Ontology terms, and other gene sets, in the genes of a contrast: pure arrays."""

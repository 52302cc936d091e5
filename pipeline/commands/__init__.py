"""The commands of dexome, one module for each group."""

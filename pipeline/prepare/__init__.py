"""Preparing a compendium for learning: its split, and the moments of its genes (pure arrays)."""

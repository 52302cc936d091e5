"""Figures of models: pure functions of arrays to matplotlib figures, and how they are kept."""

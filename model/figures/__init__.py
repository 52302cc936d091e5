"""Figures of models: pure functions of arrays."""

"""Differential expression of one study: pure functions on arrays, gene always the last axis."""

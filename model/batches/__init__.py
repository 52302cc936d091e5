"""Batches of a training copy: which rows they hold, and how the rows come to the device."""

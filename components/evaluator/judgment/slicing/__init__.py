"""Comparisons between the slices of a column."""

"""Readers of review files, one module per format, and the row that they return."""

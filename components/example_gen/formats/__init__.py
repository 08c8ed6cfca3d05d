"""Readers of input files, one module per format, and the row that they return."""

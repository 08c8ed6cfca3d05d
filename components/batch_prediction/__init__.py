"""Predictions for files of texts: a few rows at once, or millions of them on Beam."""

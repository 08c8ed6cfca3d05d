"""Predictions for files of reviews: a few rows at once, or millions of them on Beam."""

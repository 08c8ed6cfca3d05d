"""Drift: a comparison of texts with the training data of the live model."""

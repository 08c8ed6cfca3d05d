"""Drift: a comparison of reviews with the training data of the live model."""

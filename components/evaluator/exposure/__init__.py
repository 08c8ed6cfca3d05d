"""Exposure: which examples a model has seen in training, and from which data settings."""

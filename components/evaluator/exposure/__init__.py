"""Exposure: which reviews a model has seen in training, and from which data settings."""

"""Experiments: early stopping and ablation."""

"""Metrics of K classes, and all metrics by name."""

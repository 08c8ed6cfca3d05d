"""Simulation of weeks of retraining."""

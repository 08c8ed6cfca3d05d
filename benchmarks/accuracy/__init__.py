"""Accuracy and cost of the model, and the contribution of its parts."""

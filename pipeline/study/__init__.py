"""The study of early stopping."""

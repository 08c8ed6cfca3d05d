"""The report on models of more than two classes."""

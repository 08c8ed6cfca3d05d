"""The label check: labels that contradict a cross-validated model."""

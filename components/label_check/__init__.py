"""The label check: which labels a cross-validated model contradicts."""

"""TFMA beside the verdict: its inputs, and the check that its metrics agree."""

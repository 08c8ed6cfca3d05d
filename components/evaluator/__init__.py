"""The gate: TFMA's evaluation, the verdict with its reasons, and the baseline it compares with."""

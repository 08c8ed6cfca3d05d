"""Console output of a run: stage list and log file."""

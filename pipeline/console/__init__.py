"""Console output of a run: stage list, log file, profile."""

"""Console output of a run, and its log file."""

"""Sources of reviews: the parts that workers read, and their content fingerprints."""

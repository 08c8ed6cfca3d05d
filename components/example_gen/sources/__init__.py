"""Sources of examples: the parts that workers read, and their content fingerprints."""

"""Sources of examples: which parts a worker reads, and the fingerprint of their content."""

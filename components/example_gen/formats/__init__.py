"""Records of review files: one module per format, and what a row is."""

"""Cost of each stage as reviews grow in number."""

"""Where examples come from: one module per source and file format."""

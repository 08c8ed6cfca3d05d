"""Which stages, in which order, on which engine; the command line."""

"""The pipeline: stages and their order, engines, and the command line."""

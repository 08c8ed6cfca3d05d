"""The stages of the pipeline, one folder each."""

"""The DataCheck stage: validation of the data before training."""

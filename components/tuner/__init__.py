"""The Tuner stage: a search for training settings on the eval split."""

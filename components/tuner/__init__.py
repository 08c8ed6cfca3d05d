"""The Tuner stage: which training settings do best on the eval split."""

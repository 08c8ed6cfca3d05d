"""The classes of a verdict: the metrics of each, and those that two models share."""

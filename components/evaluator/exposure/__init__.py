"""The exposure of models to reviews: which they were fitted on and chosen by, and out of which data."""

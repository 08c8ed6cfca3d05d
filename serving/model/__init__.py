"""Loaded models: prediction, batching, switching of versions."""

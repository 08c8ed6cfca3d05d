"""Kubeflow Pipelines: compilation, the entrypoint of pods, and the API client."""

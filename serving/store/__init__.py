"""The version store: manifests, publishing, reading, signing."""

"""The files that `greenlight init` writes for a new project."""

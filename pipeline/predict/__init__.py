"""Input rows and output formats of `greenlight predict`."""

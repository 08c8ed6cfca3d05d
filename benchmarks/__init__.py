"""The figures of the README and of docs/speed.md: one command each, both sides in one run."""

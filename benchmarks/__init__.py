"""Benchmarks behind the figures of the README and docs/speed.md, one command each."""

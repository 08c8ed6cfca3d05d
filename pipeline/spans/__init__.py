"""Spans of a data folder: landing, listing, records."""

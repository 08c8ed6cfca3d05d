"""The lifecycle of a version: its loading, its states, and its probe while it serves."""

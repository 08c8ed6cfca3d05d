"""Near-duplicates: detection of texts that differ in a few words."""

"""Near-duplicates: texts that are the same but for a few words."""

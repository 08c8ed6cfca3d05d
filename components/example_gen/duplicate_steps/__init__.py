"""The Beam steps for duplicates: one split for each group, and one copy among spans."""

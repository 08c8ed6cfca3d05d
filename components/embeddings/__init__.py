"""Text embeddings: a catalog of names, where each module is found or built, and how it is loaded."""

"""Commands about model versions: the store, approve, deploy."""

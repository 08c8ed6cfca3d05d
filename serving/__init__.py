"""Serving: the version store, the canary process, the model server and its clients."""

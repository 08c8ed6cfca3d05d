"""Transports of the Python client: REST and gRPC."""

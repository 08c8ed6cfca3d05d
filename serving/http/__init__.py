"""The HTTP server: connections, bodies, messages."""

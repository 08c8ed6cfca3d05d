"""The HTTP server: connections, requests and answers."""

"""What HTTP and gRPC share: API keys, addresses, access log."""

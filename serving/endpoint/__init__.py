"""Parts that HTTP and gRPC share: API keys, addresses, access log, file descriptors."""

"""Speed of `greenlight serve`, beside the signature in process."""

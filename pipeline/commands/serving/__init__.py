"""Commands that answer requests: serve, predict, batch-predict."""

"""The retraining decision: pure functions of the history and the clock."""

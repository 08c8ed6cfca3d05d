"""The stage that stops bad data before anything is trained on it."""

"""Retraining: deciding when to run, and acting on the decision."""

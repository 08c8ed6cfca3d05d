"""The other model servers' programs, run in an environment without Greenlight."""

"""The result of a run: outcome, verdict, summary."""

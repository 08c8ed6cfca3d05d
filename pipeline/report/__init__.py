"""The HTML report of a run, the drift page and the model card."""

"""The web page for trying the model."""

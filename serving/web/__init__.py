"""The page on which a browser tries the model."""

"""Models of the user's own code (`trainer.module`): the file, its import, the fit and the export."""

"""Settings: layers, errors, help, and the sections that have no stage of their own."""

"""This machine: child processes, temporary folders, and the faults that are its own."""

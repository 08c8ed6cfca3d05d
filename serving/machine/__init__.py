"""The local machine: child processes, temporary folders, and machine faults."""

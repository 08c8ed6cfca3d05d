"""The exit handler of a compiled pipeline: a last task, after every run, that sends the alert."""

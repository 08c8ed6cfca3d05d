"""Errors that speak to the person who runs the pipeline; each class carries its documented exit code."""


class GreenlightError(Exception):
    """Something a person has to mend. The message says what is wrong, where, and how to mend it."""

    exit_code = 1


class MachineFault(GreenlightError):
    """The machine kept the work from being done: memory, disk, a killed process. It says nothing of the data,
    the model or the settings, and the same run may come out well another time.
    """


class InputError(GreenlightError):
    """The settings or the input cannot be used: a file is missing, an embedding unknown, data unprepared."""

    exit_code = 2


class DataStopped(GreenlightError):
    """The data check stopped the run before training."""

    exit_code = 4

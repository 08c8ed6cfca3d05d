"""Processes by the words of their command lines."""

from pathlib import Path


def processes_with(word: str) -> list[int]:
    """The ids of the processes whose command line has this word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found

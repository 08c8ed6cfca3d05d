"""A program of another language as a child process: `python bound_command.py PARENT COMMAND ...`.

It ends with its parent process, as `child_processes` has it for processes of ours, and has a session of its
own: Ctrl-C on the terminal reaches only the parent, which ends its children in order.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from serving.machine import child_processes


def bound(command: Sequence[str]) -> list[str]:
    """The command line that starts `command` bound to this process.

    On Linux the thread that starts it counts as the parent, so that thread has to live as long.
    """
    root = str(Path(__file__).parents[2])
    run = f"import sys; sys.path.insert(0, {root!r}); from {__name__} import main; main(sys.argv[1:])"
    return [sys.executable, "-c", run, str(os.getpid()), *command]


def main(arguments: Sequence[str]) -> None:
    """Becomes the command. Arguments: the parent's process id, and the command line.

    Raises:
      OSError: there is no such program, or it cannot be started.
    """
    parent, *command = arguments
    os.setsid()
    child_processes.end_with(int(parent))
    os.execvp(command[0], command)

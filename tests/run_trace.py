"""A traced `greenlight`: which modules of ours a command calls, in the order of their first calls.

    python tests/run_trace.py FILE ARGUMENTS...

Modules go to FILE, one a line; those of child processes are not among them.
"""

import inspect
import sys
import threading
from pathlib import Path
from types import FrameType

ROOT = str(Path(__file__).parents[1]) + "/"
FLOORS = tuple(ROOT + floor + "/" for floor in ("pipeline", "components", "serving"))


class Trace:
    """Notes each module's first call of a function, in whichever thread; what runs on import is none."""

    def __init__(self) -> None:
        self.modules: list[str] = []
        self._known: set[str] = set()

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        file = code.co_filename
        if event != "call" or file in self._known or not code.co_flags & inspect.CO_NEWLOCALS:
            return
        self._known.add(file)
        if file.startswith(FLOORS):
            self.modules.append(file.removeprefix(ROOT))


def main(file: str, arguments: list[str]) -> int:
    sys.path.insert(0, ROOT)
    trace = Trace()
    threading.setprofile(trace)
    sys.setprofile(trace)
    try:
        from pipeline import cli

        sys.argv = ["greenlight", *arguments]
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.setprofile(None)
        Path(file).write_text("\n".join(trace.modules), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

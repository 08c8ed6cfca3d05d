"""Land files in processes that die at each system call, are killed at any moment, or come all at once.

    python landing_faults.py FOLDER (crash | kill | crowd)

Prints a JSON object of what was seen; fails at the first span that is not whole.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from components.example_gen.settings import DataSettings
from components.example_gen.sources.spans import find
from pipeline.spans.landing import INCOMING, land
from pipeline.spans.record import record_of
from serving.storage.local import LocalFiles

CRASHED = 99
ROWS = 400
KILLS = 25
CROWD, EACH = 6, 3


class Dying:
    """The os module, in which the call number `last` is the process's last: before it, or half-way in it."""

    def __init__(self, last: int | None = None, *, torn: bool = False) -> None:
        self.calls = 0
        self._last = last
        self._torn = torn

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.calls += 1
            if self.calls != self._last:
                return getattr(os, name)(*arguments)
            try:
                if self._torn and name == "write":
                    os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                elif self._torn:
                    getattr(os, name)(*arguments)
            finally:
                os._exit(CRASHED)

        return call


def reviews(folder: Path, name: str) -> Path:
    path = folder / f"{name}.csv"
    path.write_text("text,label\n" + "".join(f"review {row} of {name},{row % 2}\n" for row in range(ROWS)))
    return path


def at(spans: Path) -> DataSettings:
    return DataSettings(source=f"files:{spans}/span-{{SPAN}}/*")


def in_a_child(act: Callable[[], object]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        act()
        os._exit(0)
    except BaseException as error:
        print(f"{error!r}", file=sys.stderr)
        os._exit(1)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def whole(spans: Path) -> list[int]:
    """The numbers there are; each one's file has all its rows, and its record says so."""
    found = find(at(spans).pattern)
    for span in found:
        record = record_of(span)
        assert record is not None and record.taken == ROWS, f"{span.paths}: {record}"
        (path,) = span.paths
        assert len(Path(path).read_text().splitlines()) == ROWS + 1, path
    visible = [entry.name for entry in spans.iterdir() if not entry.name.startswith(".")]
    assert sorted(visible) == sorted(f"span-{span.number}" for span in found), visible
    return [span.number for span in found]


def crash(folder: Path) -> dict[str, Any]:
    file, more = reviews(folder, "one"), reviews(folder, "two")
    counting = Dying()
    (folder / "counted").mkdir()
    land(file, at(folder / "counted"), files=LocalFiles(counting))
    seen = {"nothing": 0, "all": 0}
    for last in range(1, counting.calls + 1):
        for torn in (False, True):
            spans = folder / f"spans-{last}-{torn}"
            spans.mkdir()
            dying = LocalFiles(Dying(last, torn=torn))
            assert ended(in_a_child(partial(land, file, at(spans), files=dying))) == CRASHED
            there = whole(spans)
            seen["all" if there else "nothing"] += 1
            again = land(file, at(spans))
            assert again.added == (not there), "landed twice, or not at all"
            assert land(more, at(spans)).number == again.number + 1
            assert whole(spans) == [again.number, again.number + 1]
            assert not any(entry.name.startswith(INCOMING) for entry in spans.iterdir())
    return {"calls": counting.calls, **seen}


def kill(folder: Path) -> dict[str, Any]:
    spans, chance = folder / "spans", random.Random(7)
    spans.mkdir()
    files = [reviews(folder, f"file-{number}") for number in range(400)]

    def land_from(first: int) -> None:
        for file in files[max(0, first) :]:
            land(file, at(spans))
            os.write(told, b".")

    killed, before = 0, []
    landed, told = os.pipe()
    for _ in range(KILLS):
        child = in_a_child(partial(land_from, len(before) - 1))
        for _ in range(chance.randint(0, 3)):
            os.read(landed, 1)
        time.sleep(chance.uniform(0, 0.02))  # the moment is the point
        os.kill(child, signal.SIGKILL)
        killed += ended(child) == -signal.SIGKILL
        numbers = whole(spans)
        assert numbers[: len(before)] == before, "a span is gone"
        before = numbers
    texts = [Path(path).read_text() for span in find(at(spans).pattern) for path in span.paths]
    assert len(set(texts)) == len(texts), "a file was landed twice"
    return {"killed": killed, "spans": len(before)}


def crowd(folder: Path) -> dict[str, Any]:
    spans = folder / "spans"
    files = [[reviews(folder, f"of-{who}-{n}") for n in range(EACH)] for who in range(CROWD)]
    shared = reviews(folder, "shared")

    def land_mine(who: int) -> None:
        for file in [*files[who], shared]:
            land(file, at(spans))

    children = [in_a_child(partial(land_mine, who)) for who in range(CROWD)]
    return {"exits": [ended(child) for child in children], "spans": whole(spans)}


if __name__ == "__main__":
    print(json.dumps({"crash": crash, "kill": kill, "crowd": crowd}[sys.argv[2]](Path(sys.argv[1]))))

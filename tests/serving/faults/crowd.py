"""Several processes at one store at once.

    python crowd.py FOLDER different|same|readers|slow

Prints a JSON object with what came of it.
"""

import collections
import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actions import look
from faulty_system import FaultySystem
from small_store import assert_healed, assert_sound, make_model, store_of

from serving.errors import StoreInputError
from serving.storage.local import LocalFiles
from serving.store.manifest import Facts
from serving.versions import VersionStore

PROCESSES = 4
PATIENCE_SECONDS = 30


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run each job in a process of its own, all at the same time; what they return, in their order."""
    children = []
    for job in jobs:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writing, json.dumps(job()).encode())
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writing)
        children.append((child, reading))
    answers = []
    for child, reading in children:
        with os.fdopen(reading, "rb") as file:
            text = file.read()
        os.waitpid(child, 0)
        assert text, "a process failed; its traceback is above"
        answers.append(json.loads(text))
    return answers


def wait_for(path: Path) -> None:
    """Wait until another process made the file; a process whose partner failed ends with an error."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} was not created"
        time.sleep(0.005)


def push_each(root: Path, models: list[Path]) -> list[tuple[str, int]]:
    store = VersionStore(root)
    results = [store.push(model, Facts()) for model in models]
    return [(result.outcome, result.version) for result in results]


def different(folder: Path) -> dict[str, Any]:
    """Each process pushes five models of its own."""
    root = folder / "store"
    models = [[make_model(folder, f"{process}-{n}") for n in range(5)] for process in range(PROCESSES)]
    answers = at_once([lambda mine=mine: push_each(root, mine) for mine in models])
    return {"versions": sorted(version for answer in answers for _, version in answer), "store": look(root)}


def same(folder: Path) -> dict[str, Any]:
    """Every process pushes the same model into a store that is not there yet."""
    root, model = folder / "store", make_model(folder, "same")
    answers = at_once([lambda: push_each(root, [model])] * PROCESSES)
    return {"outcomes": collections.Counter(answer[0][0] for answer in answers), "store": look(root)}


def readers(folder: Path) -> dict[str, Any]:
    """One process changes the store as fast as it can; the others always find a whole live version."""
    root = folder / "store"
    models = [make_model(folder, name) for name in "abc"]
    store_of(root, models[:2])

    def change() -> int:
        store = VersionStore(root)
        for turn in range(12):
            store.push(models[turn % 3], Facts(), force=True)
            if turn % 3 == 2:
                store.rollback()
            store.prune(2, rolled_back=True)
        (folder / "done").touch()
        return 12

    def watch() -> int:
        looks = 0
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (folder / "done").exists() and time.monotonic() < deadline:
            live = VersionStore(root).live()
            assert live is not None and not live.problems, live
            with contextlib.suppress(StoreInputError):  # pruned since
                problems = VersionStore(root).verify(live.number)
                assert all(problem.what == "is not in the store" for problem in problems), problems[0]
            looks += 1
        return looks

    _, *looks = at_once([change, watch, watch])
    return {"looks": sum(looks)}


def slow(folder: Path) -> dict[str, Any]:
    """A push that takes its time holds up no rollback, and others leave its half-written files alone."""
    root = folder / "store"
    store_of(root, [make_model(folder, "a"), make_model(folder, "b")])

    def wait(name: str, real: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        (folder / "copying").touch()
        wait_for(folder / "go on")
        return real(*arguments)

    def writes_the_model(count: int, name: str, arguments: tuple[Any, ...]) -> bool:
        return name == "write" and len(arguments[1]) > 1000

    def push_slowly() -> list[Any]:
        system = FaultySystem(wait, writes_the_model)
        result = VersionStore(root, files=LocalFiles(system)).push(make_model(folder, "slow"), Facts())
        return [result.outcome, result.version]

    def roll_back_meanwhile() -> list[Any]:
        wait_for(folder / "copying")
        began = time.monotonic()
        VersionStore(root).rollback("urgent")
        took = time.monotonic() - began
        VersionStore(root).push(make_model(folder, "other"), Facts())
        (folder / "go on").touch()
        return [took]

    pushed, (took,) = at_once([push_slowly, roll_back_meanwhile])
    return {"pushed": pushed, "rollback_seconds": took, "store": look(root)}


def main() -> None:
    folder, case = Path(sys.argv[1]), sys.argv[2]
    report = {"different": different, "same": same, "readers": readers, "slow": slow}[case](folder)
    assert_sound(folder / "store")
    assert_healed(folder / "store")
    print(json.dumps(report))


if __name__ == "__main__":
    main()

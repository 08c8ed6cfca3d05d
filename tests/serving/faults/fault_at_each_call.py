"""Run an action again and again with a fault at its first, second, third... system call.

    python fault_at_each_call.py FOLDER ACTION KIND

KIND `crash` and `tear` kill a child process at that call; `broken-disk` fails that one call; `full-disk` and
`read-only` fail every call that takes space, or changes the disk, from there on. Prints JSON: how many
faults there were, how often the store was in which state after, and how often the action said what.
"""

import collections
import json
import os
import re
import sys
import traceback
from pathlib import Path

from actions import ACTIONS, Action, look
from faulty_system import (
    BROKEN_DISK,
    CRASHED,
    FULL_DISK,
    READ_ONLY,
    FaultySystem,
    allocating_from,
    at,
    changing_from,
    crash,
    tear,
)
from small_store import assert_healed, assert_sound, fresh, outcome_of

from serving.storage.local import LocalFiles
from serving.versions import VersionStore

KINDS = {
    "crash": (crash, at),
    "tear": (tear, at),
    "full-disk": (FULL_DISK, allocating_from),
    "read-only": (READ_ONLY, changing_from),
    "broken-disk": (BROKEN_DISK, at),
}


def run_child(action: Action, root: Path, models: Path, system: FaultySystem) -> str:
    """`ok`, or `crashed` when the child died of its fault."""
    child = os.fork()
    if child == 0:
        try:
            action.run(VersionStore(root, files=LocalFiles(system)), models)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return {0: "ok", CRASHED: "crashed"}[os.waitstatus_to_exitcode(status)]


def run_here(action: Action, root: Path, models: Path, system: FaultySystem) -> str:
    """`ok`, or the error's text without the paths in it."""
    said = outcome_of(lambda store: action.run(store, models), root, files=LocalFiles(system))
    return re.sub(r"/\S*?(?=[).,: ])|/\S*$", "PATH", said)


def check(action: Action, root: Path, models: Path) -> tuple[str, ...]:
    """What a reader sees after the fault, after the next writer, and after the action was repeated."""
    state = look(root) if root.exists() else ()
    allowed = (action.before, action.after, *action.between)
    assert state in allowed, f"{state} is none of {allowed}"
    damaged = [number for number in action.damaged if f"{number} set-aside" not in state]
    if state:
        assert_sound(root, damaged=damaged)
        assert_healed(root)
        assert look(root) in allowed, f"healed to {look(root)}"
    action.run(VersionStore(root), models)
    after = look(root)
    assert states_of(after) == states_of(action.after), f"repeated: {after}"
    assert_healed(root)
    return state


def steps_of(action: Action, root: Path, models: Path, kind: str) -> list[int]:
    """The calls at which this kind of fault makes a difference: each one, or those of the sort that fails."""
    _, chosen = KINDS[kind]
    recorder = FaultySystem(lambda name, real, arguments: real(*arguments), chosen(1))
    action.run(VersionStore(root, files=LocalFiles(recorder)), models)
    return list(range(1, len(recorder.calls) + 1)) if chosen is at else recorder.hits


def states_of(words: tuple[str, ...]) -> list[str]:
    """The states alone: an interrupted push may have used up a number."""
    return [word.partition(" ")[2] for word in words]


def main() -> None:
    folder, name, kind = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    action, (fault, chosen) = ACTIONS[name], KINDS[kind]
    run = run_child if kind in ("crash", "tear") else run_here
    template, root, models = folder / "template", folder / "store", folder / "models"
    models.mkdir(parents=True)
    template.mkdir()
    if action.models:
        action.prepare(template, models)
    states: collections.Counter[str] = collections.Counter()
    said: collections.Counter[str] = collections.Counter()
    steps = steps_of(action, fresh(template, root), models, kind)
    for step in steps:
        fresh(template, root)
        try:
            said[run(action, root, models, FaultySystem(fault, chosen(step)))] += 1
            states[" | ".join(check(action, root, models))] += 1
        except AssertionError as error:
            raise AssertionError(f"{kind} at call {step} of {name!r}: {error}") from error
    print(json.dumps({"faults": len(steps), "states": states, "said": said}, indent=1))


if __name__ == "__main__":
    main()

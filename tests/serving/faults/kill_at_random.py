"""Kill -9 a process that pushes, promotes, rolls back and prunes, at random instants, and judge the store.

    python kill_at_random.py FOLDER KILLS SEED

Prints a JSON object: kills, actions that finished and that were cut, the highest number.
"""

import collections
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from small_store import assert_healed, assert_sound, make_model, outcome_of

from serving.store.manifest import Facts
from serving.versions import VersionStore

ACTIONS = ("push", "push", "push", "promote", "rollback", "prune")
LONGEST_LIFE_SECONDS = 0.025


def act(store: VersionStore, action: str, models: list[Path], chance: random.Random) -> None:
    """One action with chosen arguments; a refusal (nothing to roll back to) is an answer like any other."""
    if action == "push":
        store.push(chance.choice(models), Facts(), force=chance.random() < 0.7)
    elif action == "promote":
        store.promote(chance.choice(store.versions()).number)
    elif action == "rollback":
        store.rollback()
    else:
        store.prune(chance.randint(1, 4), rolled_back=chance.random() < 0.3)


def work_until_killed(root: Path, models: list[Path], seed: int, report: int) -> None:
    """In the child: act for ever, telling the parent of each action that begins and ends."""
    chance = random.Random(seed)
    while True:
        action = chance.choice(ACTIONS)
        os.write(report, f"begin {action}\n".encode())
        said = outcome_of(lambda store, action=action: act(store, action, models, chance), root)
        os.write(report, f"end {action} {said[:60]}\n".encode())


class Witness:
    """What was seen of a store so far, and must not be contradicted later."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.digests: dict[int, str | None] = {}
        self.present: set[int] = set()

    def look(self, actions: list[str]) -> None:
        """Judge the store after `actions`: nothing lost but by prune, no number used for two models."""
        assert_sound(self.root)
        self._compare(pruned="prune" in actions)
        assert_healed(self.root)
        self._compare(pruned="prune" in actions)

    def _compare(self, *, pruned: bool) -> None:
        versions = VersionStore(self.root).versions()
        highest = max(self.digests, default=0)
        for version in versions:
            before = self.digests.setdefault(version.number, version.digest)
            assert before == version.digest, f"number {version.number} was used for two models"
            known = version.number in self.present or version.number > highest
            assert known, f"version {version.number} came back"
        present = {version.number for version in versions}
        assert pruned or self.present <= present, f"lost: {self.present - present}"
        self.present = present


def one_life(root: Path, models: list[Path], seed: int, seconds: float) -> list[str]:
    """Let a child work for so long after it began, kill it, and return what it reported."""
    reading, report = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        work_until_killed(root, models, seed, report)
    os.close(report)
    began = os.read(reading, 1)  # on a busy machine it may take a while until there is something to kill
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "the child ended by itself"
    with os.fdopen(reading, "rb") as lines:
        return (began + lines.read()).decode().splitlines()


def main() -> None:
    root, kills, seed = Path(sys.argv[1]) / "store", int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)
    models = [make_model(Path(sys.argv[1]), name) for name in "abcde"]
    VersionStore(root).push(models[0], Facts())
    witness = Witness(root)
    counts: collections.Counter[str] = collections.Counter()
    for kill in range(kills):
        lines = one_life(root, models, seed + kill, chance.uniform(0, LONGEST_LIFE_SECONDS))
        begun = [line.split()[1] for line in lines if line.startswith("begin")]
        ended = [line for line in lines if line.startswith("end")]
        counts.update(f"finished {line.split()[1]}" for line in ended)
        counts.update(f"cut {action}" for action in begun[len(ended) :])
        try:
            witness.look(begun)
        except AssertionError as error:
            raise AssertionError(f"kill {kill} of seed {seed}, after {lines}: {error}") from error
    counts["kills"] = kills
    counts["highest"] = max(witness.digests)
    print(json.dumps(counts))


if __name__ == "__main__":
    main()

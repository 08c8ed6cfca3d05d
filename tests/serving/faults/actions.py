"""Each thing that can be done to a store, the store it starts from, and how the store looks after."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from small_store import damage, make_model, store_of

from serving.store.manifest import Facts
from serving.versions import VersionStore


@dataclasses.dataclass(frozen=True)
class Action:
    """`models` are pushed to begin with (`!` marks one that is damaged then); `run` is what is interrupted.

    `before` and `after` are live, numbered and taken-out versions; `between` are the states that a crash may
    leave besides the two.
    """

    models: tuple[str, ...]
    run: Callable[[VersionStore, Path], object]
    before: tuple[str, ...]
    after: tuple[str, ...]
    between: tuple[tuple[str, ...], ...] = ()

    def prepare(self, root: Path, models: Path) -> None:
        """Build the store that the action starts from."""
        store_of(root, [make_model(models, name.strip("!")) for name in self.models])
        for number, name in enumerate(self.models, start=1):
            if name.endswith("!"):
                damage(root, number)

    @property
    def damaged(self) -> list[int]:
        return [number for number, name in enumerate(self.models, start=1) if name.endswith("!")]


def look(root: Path) -> tuple[str, ...]:
    """The store in a few words, like ('3 live', '2', '1 rolled-back')."""
    words = []
    for version in VersionStore(root).versions():
        plain = version.state in ("older", "previous")
        words.append(str(version.number) if plain else f"{version.number} {version.state}")
    return tuple(words)


def push(store: VersionStore, models: Path) -> object:
    return store.push(make_model(models, "new"), Facts(run_id="run-new"), why="better")


ACTIONS = {
    "first push": Action((), push, (), ("1 live",)),
    "push": Action(("a", "b"), push, ("2 live", "1"), ("3 live", "2", "1")),
    "rollback": Action(
        ("a", "b", "c"),
        lambda store, models: store.rollback("too slow", expect=3),
        ("3 live", "2", "1"),
        ("3 rolled-back", "2 live", "1"),
    ),
    "rollback past a damaged version": Action(
        ("a", "b!", "c"),
        lambda store, models: store.rollback("too slow", expect=3),
        ("3 live", "2", "1"),
        ("3 rolled-back", "2 set-aside", "1 live"),
        between=(("3 live", "2 set-aside", "1"),),
    ),
    "rollback of a model pushed twice": Action(
        ("a", "b", "a"),
        lambda store, models: store.rollback("too slow", expect=3),
        ("3 live", "2", "1"),
        ("3 rolled-back", "2 live", "1 rolled-back"),
        between=(("3 rolled-back", "2 live", "1"),),
    ),
    "promote": Action(
        ("a", "b"), lambda store, models: store.promote(1, "b is slow"), ("2 live", "1"), ("3 live", "2", "1")
    ),
    "prune": Action(
        ("a", "b", "c"),
        lambda store, models: store.prune(1),
        ("3 live", "2", "1"),
        ("3 live",),
        between=(("3 live", "2"),),
    ),
}

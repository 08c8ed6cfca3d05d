"""Small fake models, stores of them, and what has to hold of a store whatever befell its writers."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from serving.errors import StoreError
from serving.store.journal import pending
from serving.store.layout import numbers
from serving.store.manifest import Facts
from serving.versions import VersionStore


def make_model(folder: Path, name: str) -> Path:
    """A folder that looks like a SavedModel and holds a content of its own for each name."""
    model = folder / f"model-{name}"
    files = {
        "saved_model.pb": name.encode() * 700,
        "variables/variables.index": b"index of " + name.encode(),
        "variables/variables.data-00000-of-00001": name.encode() * 3000,
    }
    for path, content in files.items():
        (model / path).parent.mkdir(parents=True, exist_ok=True)
        (model / path).write_bytes(content)
    return model


def store_of(root: Path, models: Iterable[Path]) -> VersionStore:
    """A new store with these models pushed one after another."""
    store = VersionStore(root)
    for number, model in enumerate(models, start=1):
        result = store.push(model, Facts(metrics={"accuracy": 0.8}, run_id=f"run-{number}"))
        assert result.outcome == "pushed", result
    return store


def damage(root: Path, number: int) -> None:
    """Cut a version's saved_model.pb in half."""
    path = root / str(number) / "saved_model.pb"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def fresh(template: Path, target: Path) -> Path:
    """A copy of a store in place of what was there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(template, target)
    return target


def assert_sound(root: Path, *, damaged: Iterable[int] = ()) -> None:
    """A reader finds a live version that verifies, and no number that a server could half-load."""
    store = VersionStore(root)
    live = store.live()
    assert live is not None, "no live version"
    loadable = numbers([path.name for path in root.iterdir()])
    assert live.number == loadable[0], f"live {live.number}, but a server loads {loadable[0]}"
    for number in loadable:
        problems = store.verify(number)
        assert bool(problems) == (number in damaged), [str(problem) for problem in problems]
    assert live.number not in damaged, f"version {live.number} is damaged and live"
    for version in store.versions():
        if version.state == "rolled-back":
            assert not store.verify(version.number), version


def assert_healed(root: Path) -> None:
    """The next writer leaves no left-over, no undecided action, and the history tells of each folder."""
    store = VersionStore(root)
    with store._writer.locked():
        pass
    events = store._journal.events()
    assert not pending(events), pending(events)
    left = sorted(path.name for path in (root / ".greenlight" / "staging").iterdir())
    assert not left, f"left in staging: {left}"
    told = {(event.version, event.action) for event in store.history()}
    for version in store.versions():
        if version.state == "rolled-back":
            assert (version.number, "rollback") in told, (
                f"{version.number} is rolled back, the journal is silent"
            )


def outcome_of(action, root: Path, **settings) -> str:
    """`ok`, or the text of the StoreError that the action ended with; any other exception is a failure."""
    try:
        action(VersionStore(root, **settings))
    except StoreError as error:
        return str(error)
    return "ok"

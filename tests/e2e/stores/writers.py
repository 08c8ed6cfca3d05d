"""One writer of a store in a bucket, as a process of its own.

    python writers.py ROOT FOLDER push NAME ...    pushes the models one after another
    python writers.py ROOT FOLDER race NAME        waits for the file FOLDER/go, then pushes the model
    python writers.py ROOT FOLDER hold             takes the store's lock, says so, and holds it

Prints one JSON line for each result.
"""

import json
import sys
import time
from pathlib import Path

from serving.errors import StoreError
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


def say(**record: object) -> None:
    print(json.dumps(record), flush=True)


def push(store: VersionStore, folder: Path, name: str) -> None:
    try:
        result = store.push(make_model(folder, name), Facts(), why=f"push {name}")
    except StoreError as error:
        say(error=type(error).__name__, message=str(error))
    else:
        say(outcome=result.outcome, version=result.version)


def main() -> None:
    root, folder, action, *names = sys.argv[1:]
    store = VersionStore(root, wait_seconds=240)
    if action == "hold":
        with store._writer.locked():
            say(holds=True)
            time.sleep(600)
    if action == "race":
        say(ready=True)
        while not Path(folder, "go").exists():
            time.sleep(0.005)
    for name in names:
        push(store, Path(folder), name)


if __name__ == "__main__":
    main()

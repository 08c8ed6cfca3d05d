"""One writer of a store in a bucket, as a process of its own.

    python writers.py ROOT FOLDER push NAME ...    pushes the models one after another
    python writers.py ROOT FOLDER race NAME        waits for the file FOLDER/go, then pushes the model
    python writers.py ROOT FOLDER hold             takes the store's lock, says so, and holds it

KILL_AT=N in the environment: it kills itself before the N-th change of the bucket. WAIT_SECONDS: how long it
waits for others. SINGLE_WRITER: it says that it is the only one. Prints one JSON line for each result.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import obstore

import serving.storage.objects
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


class KilledClient:
    """obstore in a process that ends before its `step`-th change of the bucket."""

    def __init__(self, step: int) -> None:
        self._left = step

    def __getattr__(self, name: str) -> Any:
        real = getattr(obstore, name)

        def call(bucket: Any, path: Any, *arguments: Any, **options: Any) -> Any:
            if name in ("put", "copy", "delete") and ".trial-" not in path:
                self._left -= 1
                if self._left <= 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return real(bucket, path, *arguments, **options)

        return call


def say(**record: object) -> None:
    print(json.dumps(record), flush=True)


def push(root: str, model: Path) -> None:
    wait, single = float(os.environ.get("WAIT_SECONDS", "240")), "SINGLE_WRITER" in os.environ
    try:
        store = VersionStore(root, wait_seconds=wait, single_writer=single)
        result = store.push(model, Facts(), why=f"push {model.name}")
    except StoreError as error:
        say(error=type(error).__name__, message=str(error))
    else:
        say(outcome=result.outcome, version=result.version)


def main() -> None:
    root, folder, action, *names = sys.argv[1:]
    if step := os.environ.get("KILL_AT"):
        serving.storage.objects.obstore = KilledClient(int(step))
    if action == "hold":
        with VersionStore(root)._writer.locked():
            say(holds=True)
            time.sleep(600)
    models = [make_model(Path(folder), name) for name in names]  # before a race: they may share a folder
    if action == "race":
        say(ready=True)
        while not Path(folder, "go").exists():
            time.sleep(0.005)
    for model in models:
        push(root, model)


if __name__ == "__main__":
    main()

"""Limits that the system itself sets: a folder this user may not write to, and a file size it may not pass.

    python real_limits.py FOLDER no-permission|file-size

Prints a JSON object: what a push said, and how the store looks after.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

from actions import look
from small_store import assert_sound, make_model, outcome_of, store_of

from serving.store.manifest import Facts
from serving.versions import VersionStore

NOBODY = 65534


def give_up_rights() -> None:
    """Root may write anywhere: go on as a user for whom modes count."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def limit_file_size() -> None:
    """Files may not grow past 1,000 bytes; Python gets the error instead of the signal."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))


def main() -> None:
    folder, case = Path(sys.argv[1]), sys.argv[2]
    root, model = folder / "store", make_model(folder, "new")
    store_of(root, [make_model(folder, "a"), make_model(folder, "b")])
    for path in (root, *root.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if case == "file-size":
        for path in (root, *root.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    {"no-permission": give_up_rights, "file-size": limit_file_size}[case]()
    said = outcome_of(lambda store: store.push(model, Facts()), root)
    assert_sound(root)
    left = sorted(path.name for path in (root / ".greenlight" / "staging").iterdir())
    verified = [str(problem) for problem in VersionStore(root).verify(2)]
    print(json.dumps({"said": said, "store": look(root), "left": left, "verified": verified}))


if __name__ == "__main__":
    main()

"""The fingerprint of this stage's own code: an upgrade that changes it makes the stage run again."""

import hashlib
from pathlib import Path

_STAGE = Path(__file__).parent
_SOURCES = (_STAGE.parent / "reviews.py", *sorted(_STAGE.glob("*.py")))


def code_fingerprint() -> str:
    """Hex sha256 over the names and bytes of this folder's modules and of components/reviews.py."""
    hashed = hashlib.sha256()
    for path in _SOURCES:
        hashed.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return hashed.hexdigest()

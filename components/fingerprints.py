"""The fingerprint of a stage's own code: in its cache key, it makes an upgraded stage run again."""

import hashlib
from pathlib import Path

_COMPONENTS = Path(__file__).parent


def code_fingerprint(*parts: str) -> str:
    """Hex sha256 over names and bytes of Python modules.

    Args:
      parts: of this package: a folder (its modules, not those of folders in it) or a module, such as
        "example_gen" and "reviews.py".

    Raises:
      FileNotFoundError: there is no such part.
    """
    hashed = hashlib.sha256()
    for path in sorted(module for part in parts for module in _modules(_COMPONENTS / part)):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        hashed.update(f"{path.relative_to(_COMPONENTS).as_posix()} {digest}\n".encode())
    return hashed.hexdigest()


def _modules(part: Path) -> list[Path]:
    if part.is_file():
        return [part]
    modules = list(part.glob("*.py"))
    if not modules:
        raise FileNotFoundError(f"no Python modules at {part}")
    return modules

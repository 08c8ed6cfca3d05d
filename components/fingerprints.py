"""The fingerprint of a stage's own code: in its cache key, it makes an upgraded stage run again."""

import hashlib
from importlib import metadata
from pathlib import Path

_COMPONENTS = Path(__file__).parent
_ROOT = _COMPONENTS.parent
_SERVING = "serving"

PACKAGES = (
    "tensorflow",
    "tf-keras",
    "tfx",
    "tensorflow-model-analysis",
    "tensorflow-data-validation",
)
"""The packages that decide what a stage finds: another version of one is another code."""


def code_fingerprint(*parts: str) -> str:
    """Hex sha256 over names and bytes of Python modules, and the versions of PACKAGES.

    Args:
      parts: of this package: a folder (its modules, not those of folders in it) or a module, such as
        "example_gen" and "reviews.py"; or of the package `serving`: "serving" or "serving/canary.py".

    Raises:
      FileNotFoundError: there is no such part.
    """
    hashed = hashlib.sha256()
    for path in sorted(fingerprinted(*parts)):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        hashed.update(f"{path.relative_to(_ROOT).as_posix()} {digest}\n".encode())
    for package in PACKAGES:
        hashed.update(f"{package}=={_version(package)}\n".encode())
    return hashed.hexdigest()


def fingerprinted(*parts: str) -> frozenset[Path]:
    """The modules that `code_fingerprint` of the same parts covers."""
    return frozenset(module for part in parts for module in _modules(part))


def _modules(part: str) -> list[Path]:
    path = (_ROOT if Path(part).parts[0] == _SERVING else _COMPONENTS) / part
    if path.is_file():
        return [path]
    modules = list(path.glob("*.py"))
    if not modules:
        raise FileNotFoundError(f"no Python modules at {path}")
    return modules


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"

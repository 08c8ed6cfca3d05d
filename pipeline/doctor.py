"""The checks of this machine behind `greenlight doctor`, each with its remedy."""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from components.errors import GreenlightError
from components.packages import version_of

HUB_URL = "https://tfhub.dev/"
TFDS_URL = "https://storage.googleapis.com/tfds-data/"
GIB = 2**30
PYTHONS = ((3, 11), (3, 13))

GENERATIONS: Mapping[str, Mapping[str, str]] = {
    "1.16": {
        "tensorflow": "2.16",
        "tf-keras": "2.16",
        "tensorflow-model-analysis": "0.47",
        "tensorflow-data-validation": "1.16",
        "tfx-bsl": "1.16",
        "ml-metadata": "1.16",
        "protobuf": "4",
    },
    "1.21": {
        "tensorflow": "2.21",
        "tf-keras": "2.21",
        "tensorflow-model-analysis": "0.52",
        "tensorflow-data-validation": "1.21",
        "tfx-bsl": "1.21",
        "ml-metadata": "1.21",
        "protobuf": "6",
    },
}
OTHER_PACKAGES = ("apache-beam", "tensorflow-hub", "numpy", "pandas", "pyarrow", "setuptools")
TRAPS: Mapping[str, tuple[str, Callable[[tuple[int, ...]], bool]]] = {
    "tensorflow-hub": ("0.16.1 or newer: older ones cannot be imported", lambda found: found >= (0, 16, 1)),
    "setuptools": ("below 81: TF Hub needs its pkg_resources", lambda found: found < (81,)),
}
_SETUP = "`make setup` installs what is locked in requirements/."

Status = Literal["ok", "warn", "fail"]
Versions = Callable[[str], str | None]


@dataclasses.dataclass(frozen=True)
class Check:
    """One finding; `remedy` is what to do where `status` is not "ok"."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


def examine(
    *, workspace: Path, cache: Path, hub_url: str = HUB_URL, tfds_url: str = TFDS_URL, timeout: float = 4.0
) -> Iterator[Check]:
    """All checks, in the order in which to read them. Writes nothing but temporary files, downloads nothing.

    timeout: seconds for each of the two addresses; both are asked at once.
    """
    hub = ask(hub_url, timeout)
    tfds = ask(tfds_url, timeout)
    yield python(sys.version_info[:3])
    yield system(platform.libc_ver())
    yield from packages(version_of)
    yield legacy_keras(version_of)
    yield memory(_memory_bytes())
    yield from folder("workspace", workspace, needs=2 * GIB, setting="--workspace DIR")
    yield from folder("cache", cache, needs=1 * GIB, setting="--set cache_dir=DIR")
    yield packaged_reviews()
    yield packaged_vectors()
    yield reachable("TF Hub", hub_url, hub(), "embeddings other than glove-6b-50d")
    yield reachable("TFDS", tfds_url, tfds(), "`--source tfds`")


def python(found: tuple[int, ...]) -> Check:
    """Whether this Python can run either TFX generation."""
    shown = ".".join(map(str, found))
    if PYTHONS[0] <= found[:2] <= PYTHONS[1]:
        return Check("Python", "ok", f"{shown} at {sys.executable}")
    return Check("Python", "fail", shown, "Install Python 3.11, 3.12 or 3.13, then `make setup`.")


def system(libc: tuple[str, str]) -> Check:
    """Whether TFX has packages for this platform. libc: what `platform.libc_ver` says; empty on macOS."""
    name, number = libc
    shown = f"{platform.system()} {platform.machine()}" + (f", {name} {number}" if name else "")
    if platform.system() == "Darwin":
        return Check("platform", "ok", shown)
    parts = number.split(".")
    if name != "glibc" or not all(part.isdigit() for part in parts) or tuple(map(int, parts)) < (2, 28):
        return Check(
            "platform", "fail", shown, "TFX needs glibc 2.28 or newer: Debian 10, Ubuntu 20.04 or later."
        )
    if platform.machine() != "x86_64":
        return Check("platform", "warn", shown, "TFX's Linux packages are for x86_64.")
    return Check("platform", "ok", shown)


def packages(versions: Versions) -> Iterator[Check]:
    """TFX's generation, and whether the packages beside it belong to the same."""
    tfx = versions("tfx")
    generation = ".".join((tfx or "").split(".")[:2])
    if generation not in GENERATIONS:
        known = " and ".join(GENERATIONS)
        yield Check("TFX", "fail", tfx or "not installed", f"Greenlight runs on TFX {known}. {_SETUP}")
        return
    yield Check("TFX", "ok", f"{tfx} (the {generation} generation)")
    for package, wanted in GENERATIONS[generation].items():
        found = versions(package)
        if found is None or not f"{found}.".startswith(f"{wanted}."):
            detail = f"{found or 'not installed'}, expected {wanted}"
            yield Check(package, "fail", detail, _SETUP)
        else:
            yield Check(package, "ok", found)
    for package in OTHER_PACKAGES:
        found = versions(package)
        wanted, fits = TRAPS.get(package, ("any", bool))
        if found is None:
            yield Check(package, "fail", "not installed", _SETUP)
        elif not fits(tuple(int(part) for part in found.split(".") if part.isdigit())):
            yield Check(package, "fail", f"{found}, expected {wanted}", _SETUP)
        else:
            yield Check(package, "ok", found)


def legacy_keras(versions: Versions) -> Check:
    """TF Hub's layer is a Keras 2 layer: TensorFlow has to take Keras from tf-keras."""
    if os.environ.get("TF_USE_LEGACY_KERAS") != "1":
        remedy = "Set it before TensorFlow is imported; `greenlight` does so for its own commands."
        return Check("legacy Keras", "fail", "TF_USE_LEGACY_KERAS is not 1", remedy)
    found = versions("tf-keras")
    if found is None:
        return Check("legacy Keras", "fail", "TF_USE_LEGACY_KERAS=1, but tf-keras is not installed", _SETUP)
    return Check("legacy Keras", "ok", f"TF_USE_LEGACY_KERAS=1, tf-keras {found}")


def memory(size: int | None) -> Check:
    """Whether a default run fits into memory. size: bytes, None where the system does not say."""
    processors = f"{os.cpu_count()} processors"
    if size is None:
        return Check("machine", "ok", processors)
    shown = f"{processors}, {size / GIB:.1f} GiB of memory"
    if size < 2 * GIB:
        return Check("machine", "warn", shown, "A run may not fit; --set data.limit=N takes fewer examples.")
    return Check("machine", "ok", shown)


def folder(name: str, path: Path, *, needs: int, setting: str) -> Iterator[Check]:
    """Whether `path` (or the folder that it would be made in) can be written, and has `needs` bytes left."""
    path = path.absolute()
    there = next(parent for parent in (path, *path.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        remedy = f"Take another with {setting}, or make it writable."
        yield Check(name, "fail", f"{path}: cannot be written ({error.strerror or error})", remedy)
        return
    free = shutil.disk_usage(there).free
    shown = f"{path}: writable, {free / GIB:.1f} GiB free"
    if free < needs:
        remedy = f"Free {needs / GIB:.0f} GiB, or take another disk with {setting}."
        yield Check(name, "fail" if free < needs / 8 else "warn", shown, remedy)
    else:
        yield Check(name, "ok", shown)


def packaged_reviews() -> Check:
    """Whether the packaged reviews are here, byte for byte."""
    from components.example_gen.sources import packaged

    try:
        return _file_check("packaged reviews", packaged.csv_path(), packaged.SHA256)
    except GreenlightError as error:
        return Check("packaged reviews", "fail", str(error).partition(". ")[0], _SETUP)


def packaged_vectors() -> Check:
    """Whether the GloVe vectors are here, byte for byte."""
    from importlib.util import find_spec

    from components.embeddings import glove

    spec = find_spec(glove.PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        return Check("packaged vectors", "fail", f"{glove.PACKAGE} is not installed", _SETUP)
    found = [
        _file_check("packaged vectors", Path(places[0], "data", name), sha)
        for name, sha in glove.SHA256.items()
    ]
    return next((check for check in found if check.status != "ok"), found[0])


def reachable(name: str, url: str, problem: str | None, needed_for: str) -> Check:
    """What it means that `url` answered (problem None) or did not: the default run needs neither address."""
    if problem is None:
        return Check(name, "ok", f"{url} answers")
    remedy = f"Needed for {needed_for} only: check network and proxy (HTTPS_PROXY)."
    return Check(name, "warn", f"{url} does not answer ({problem})", remedy)


def _file_check(name: str, path: Path, expected: str) -> Check:
    from components.embeddings.checksums import file_sha256

    try:
        found = file_sha256(path)
    except OSError as error:
        return Check(name, "fail", f"{path}: {error.strerror or error}", _SETUP)
    if found != expected:
        return Check(name, "fail", f"{path} is damaged or another version: its sha256 is {found}", _SETUP)
    return Check(name, "ok", f"{path.name}, sha256 as expected")


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None


def ask(url: str, timeout: float) -> Callable[[], str | None]:
    """Requests `url` in the background; returns a function that waits for the answer.

    That function returns None, or why there was no answer.
    """
    answer: list[str | None] = []
    # A daemon: a name server that does not answer must not hold up the command.
    asker = threading.Thread(target=lambda: answer.append(_problem_with(url, timeout)), daemon=True)
    asker.start()

    def wait() -> str | None:
        asker.join(timeout)
        return answer[0] if answer else f"no answer in {timeout:g} s"

    return wait


def _problem_with(url: str, timeout: float) -> str | None:
    try:
        request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "greenlight-doctor"})
        with urllib.request.urlopen(request, timeout=timeout):
            return None
    except urllib.error.HTTPError as error:
        # Any other answer comes from the server itself; these also from proxies and firewalls on the way.
        return f"status {error.code}" if error.code in (403, 407, 451) or error.code >= 500 else None
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", None) or error)

"""Signatures of versions by OpenSSF model-signing with elliptic-curve keys; imported when used.

The signature covers every file of a version's folder, the manifest too, and lies beside them as `model.sig`:
any tool that reads OpenSSF model signatures can check it against the public key.
"""

import contextlib
import importlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from serving.errors import StoreError, StoreInputError
from serving.store.manifest import SIGNATURE_NAME


class Signer(Protocol):
    """Signs a folder."""

    def sign(self, folder: Path) -> bytes:
        """The signature of the files in `folder`, as it is written to `model.sig`."""


class Verifier(Protocol):
    """Checks a signed folder."""

    def problem(self, folder: Path) -> str | None:
        """What is wrong with its `model.sig`, as a clause that follows that name; None if it is right."""


class KeySigner:
    """Signs with the private key in a PEM file without a password (NIST P-256, P-384 or P-521)."""

    def __init__(self, private_key: Path) -> None:
        self._hashing = _module("hashing")
        config = _module("signing").Config()
        with _usable(private_key, "private"):
            self._config = config.use_elliptic_key_signer(private_key=private_key)

    def sign(self, folder: Path) -> bytes:
        self._config.set_hashing_config(_hashing_config(self._hashing, folder))
        with tempfile.TemporaryDirectory() as scratch:
            signature = Path(scratch) / SIGNATURE_NAME
            self._config.sign(folder, signature)
            return signature.read_bytes()


class KeyVerifier:
    """Checks signatures against the public key in a PEM file."""

    def __init__(self, public_key: Path) -> None:
        self._key = public_key
        self._hashing = _module("hashing")
        config = _module("verifying").Config()
        with _usable(public_key, "public"):
            self._config = config.use_elliptic_key_verifier(public_key=public_key)

    def problem(self, folder: Path) -> str | None:
        signature = folder / SIGNATURE_NAME
        if not signature.is_file():
            return f"is missing: the version is not signed, but {self._key} asks for a signature"
        self._config.set_hashing_config(_hashing_config(self._hashing, folder))
        try:
            self._config.verify(folder, signature)
        except Exception as error:  # model-signing raises whatever its parsers raise on a forged file
            return f"does not fit the files and the key {self._key}: {error}"
        return None


def signer_of(private_key: Path | None) -> Signer | None:
    """The signer with the key of a setting; None where it is not set."""
    return KeySigner(private_key) if private_key else None


def verifier_of(public_key: Path | None) -> Verifier | None:
    """The verifier with the key of a setting; None where it is not set."""
    return KeyVerifier(public_key) if public_key else None


@contextlib.contextmanager
def _usable(key: Path, kind: str) -> Iterator[None]:
    if not key.is_file():
        raise StoreInputError(f"{key} is not a file: the {kind} key must be a PEM file")
    try:
        yield
    except (ValueError, TypeError) as error:
        raise StoreInputError(
            f"{key} is not a {kind} key that can be used (elliptic-curve, PEM, no password): {error}"
        ) from None


def _hashing_config(hashing: Any, folder: Path) -> Any:
    return hashing.Config().set_ignored_paths(paths=[folder / SIGNATURE_NAME], ignore_git_paths=False)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"model_signing.{name}")
    except ImportError as error:
        raise StoreError(
            f"signatures need the packages model-signing and pyopenssl ({error}): install both, or set no key"
        ) from None

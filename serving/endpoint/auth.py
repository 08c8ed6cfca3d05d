"""API keys: their sources, and the authentication of a request."""

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from serving.errors import StoreInputError
from serving.machine.named_file import text_of
from serving.settings import ServeSettings
from serving.status import Code, RequestError

_SHORTEST = 16
_BEARER = b"bearer "


class ApiKeys:
    """The accepted API keys. Only digests are kept, so that no key can be logged."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [_digest(key.encode()) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def accept(self, key: bytes) -> bool:
        """Whether `key` is one of them, compared in constant time."""
        digest = _digest(key)
        return any([hmac.compare_digest(digest, known) for known in self._digests])

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raises RequestError (UNAUTHENTICATED) without a valid bearer token or `X-API-Key`."""
        given = headers.get(b"x-api-key")
        authorization = headers.get(b"authorization", b"")
        if given is None and authorization[: len(_BEARER)].lower() == _BEARER:
            given = authorization[len(_BEARER) :].strip()
        if given is None:
            text = "An API key is needed: send the header Authorization: Bearer KEY, or X-API-Key: KEY"
        elif self.accept(given):
            return
        else:
            text = "The API key is not valid"
        raise RequestError(Code.UNAUTHENTICATED, text)


def load_keys(settings: ServeSettings) -> ApiKeys:
    """The keys of the settings: from a file with one per line, an environment variable, both or neither.

    Raises:
      StoreInputError: the file or variable does not exist, or has an invalid key.
    """
    keys: list[str] = []
    if settings.api_keys is not None:
        keys += _from_file(settings.api_keys)
    if settings.api_key_variable is not None:
        keys += _from_variable(settings.api_key_variable)
    return ApiKeys(keys)


def _from_file(path: Path) -> list[str]:
    try:
        lines = text_of(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreInputError(f"serve.api_keys: {path} cannot be read: {_why(error)}") from error
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not keys:
        raise StoreInputError(
            f"serve.api_keys: {path} contains no key. Write one a line, such as `openssl rand -hex 24` makes"
        )
    return [_checked(key, f"serve.api_keys: a key in {path}") for key in keys]


def _from_variable(name: str) -> list[str]:
    key = os.environ.get(name, "").strip()
    if not key:
        raise StoreInputError(f"serve.api_key_variable: the environment variable {name} is not set")
    return [_checked(key, f"serve.api_key_variable: the key in {name}")]


def _checked(key: str, where: str) -> str:
    if len(key) < _SHORTEST or not key.isascii() or not key.isprintable() or " " in key:
        raise StoreInputError(
            f"{where} is too short or has odd characters: take at least {_SHORTEST} printable ASCII "
            "characters without spaces, such as `openssl rand -hex 24` makes"
        )
    return key


def _why(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()

"""Buckets of object stores by their address, with credentials from the environment."""

import datetime
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from obstore import exceptions
from obstore.store import GCSStore, ObjectStore, S3Store

from serving.errors import StoreInputError
from serving.storage.bucket_errors import no_credentials

SCHEMES = ("s3://", "gs://")
REQUEST_SECONDS, RETRY_SECONDS = 20, 40
"""How long one request may take, and for how long a failed one is repeated."""

MOST_RETRIES = 8
"""Enough for a store that takes one write a second of an object, as Google's does; 3 end after 0.7 s."""

SLOWEST_WRITE_SECONDS = float(REQUEST_SECONDS + RETRY_SECONDS)
"""Later than this after its start, a write has either happened or never will."""

_ROLES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def split(address: str) -> tuple[str, str, str]:
    """Scheme, bucket and path of an address: `s3://models/a/b` is `("s3", "models", "a/b")`.

    Raises:
      StoreInputError: it is not an address of an object in a bucket.
    """
    scheme, _, rest = address.partition("://")
    bucket, _, path = rest.partition("/")
    if f"{scheme}://" not in SCHEMES or not bucket:
        raise StoreInputError(
            f"{address} is not the address of a version store: expected a folder, s3://BUCKET/PATH or "
            "gs://BUCKET/PATH"
        )
    return scheme, bucket, path.strip("/")


def open_bucket(address: str) -> ObjectStore:
    """The client of the bucket that `address` names. Nothing is sent yet.

    Raises:
      StoreInputError: the address is not one of an object store, or its credentials need a package.
    """
    scheme, bucket, _ = split(address)
    environment = os.environ
    client: Any = {"timeout": f"{REQUEST_SECONDS}s", "connect_timeout": "5s", "allow_http": True}
    retries: Any = {"max_retries": MOST_RETRIES, "retry_timeout": datetime.timedelta(seconds=RETRY_SECONDS)}
    options: dict[str, Any] = {"client_options": client, "retry_config": retries}
    if scheme == "gs":
        if emulator := environment.get("STORAGE_EMULATOR_HOST"):
            base = emulator if "://" in emulator else f"http://{emulator}"
            options |= {"base_url": base.rstrip("/"), "credential_provider": _emulator_credentials}
        try:
            return GCSStore(bucket, **options)
        except exceptions.BaseError:  # a key file that cannot be read
            raise no_credentials(address) from None
    if endpoint := environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL"):
        options["endpoint"] = endpoint
    if _uses_profile(environment):
        options["credential_provider"] = _profile_credentials(address)
    try:
        return S3Store(bucket, **options)
    except exceptions.BaseError:  # half of the credentials
        raise no_credentials(address) from None


def _uses_profile(environment: Mapping[str, str]) -> bool:
    if environment.get("AWS_ACCESS_KEY_ID") or any(environment.get(role) for role in _ROLES):
        return False
    credentials = environment.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials"
    return bool(environment.get("AWS_PROFILE")) or Path(credentials).is_file()


def _emulator_credentials() -> Any:
    """What an emulator takes; without any, obstore asks Google's metadata server before each write."""
    return {"token": "emulator", "expires_at": None}


def _profile_credentials(address: str) -> Any:
    try:
        provider = importlib.import_module("obstore.auth.boto3").Boto3CredentialProvider
    except ImportError:
        raise no_credentials(address) from None
    return provider()

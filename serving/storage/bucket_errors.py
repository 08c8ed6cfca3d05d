"""Errors of object stores as errors of the version store: what is wrong, where, and how to mend it.

The client's own messages hold the store's whole answer, which can name access keys. Only the store's error
code and the HTTP status are taken from them.
"""

import contextlib
import errno
import re
from collections.abc import Callable, Iterator

from obstore import exceptions

from serving.errors import StoreError, StoreInputError


class WriteConflict(Exception):
    """A conditional write did not happen: the object exists already, or is not the expected one any more."""


class NotConditional(Exception):
    """The store answered that it has no conditional writes."""


_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_METADATA_SERVERS = ("169.254.169.254", "metadata.google.internal", "169.254.170.2")
_CLOCK = ("RequestTimeTooSkewed", "RequestExpired")
_KEYS = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
)
_NO_BUCKET = ("NoSuchBucket", "InvalidBucketName")
_REGION = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
_UNSUPPORTED = ("NotImplemented",)

_CREDENTIALS = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or install boto3 for the profiles of ~/.aws",
    "gs": "Set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run `gcloud auth application-default login`",
}
_ENDPOINT = {
    "s3": "AWS_ENDPOINT_URL (of a store other than Amazon's)",
    "gs": "STORAGE_EMULATOR_HOST (if it is set)",
}


def no_credentials(address: str) -> StoreInputError:
    """The error of a store that is reached without any credentials."""
    return StoreInputError(f"no credentials for {address} were found. {_CREDENTIALS.get(address[:2], '')}.")


@contextlib.contextmanager
def translated(address: str) -> Iterator[None]:
    """Raises the errors of the client inside as errors about `address`.

    Raises:
      FileNotFoundError: the object does not exist.
      WriteConflict: the condition of a write did not hold.
      NotConditional: the store does not support the condition of a write.
      StoreInputError: the bucket does not exist, or the credentials are missing or wrong.
      StoreError: any other failure.
    """
    try:
        yield
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError) as error:
        raise _conflict(address, str(error)) from None
    except (exceptions.NotSupportedError, NotImplementedError):
        raise NotConditional from None
    except FileNotFoundError as error:
        if _code(str(error)) in _NO_BUCKET:
            raise _no_bucket(address) from None
        raise FileNotFoundError(errno.ENOENT, "No such object", address) from None
    except (exceptions.BaseError, ValueError) as error:
        raise _failure(address, error) from None


def _conflict(address: str, text: str) -> Exception:
    return _no_bucket(address) if _code(text) in _NO_BUCKET else WriteConflict(address)


def _failure(address: str, error: Exception) -> Exception:
    text = str(error)
    code, status = _code(text), _status(text)
    if code in _UNSUPPORTED or status == "501":
        return NotConditional(address)
    explain: Callable[[str], StoreError] | None = next(
        (one for codes, one in _BY_CODE if code in codes), None
    )
    if explain:
        return explain(address)
    if any(server in text for server in _METADATA_SERVERS):
        return no_credentials(address)
    if isinstance(error, exceptions.UnauthenticatedError) or status == "401":
        return _wrong_keys(address)
    if isinstance(error, exceptions.PermissionDeniedError) or status == "403":
        return StoreError(
            f"these credentials may not do that at {address} ({code or 'status 403'}). Reading needs the "
            "rights to list and get objects; changing needs the rights to put and delete them, too."
        )
    if status:
        return StoreError(f"the object store failed at {address} ({code or status}). Try again.")
    if isinstance(error, ValueError) or not text.startswith("Generic"):
        return StoreInputError(f"{address} cannot be opened as an object store: {text.splitlines()[0]}")
    return StoreError(
        f"the object store of {address} does not answer, or not in time. Check the network and "
        f"{_ENDPOINT.get(address[:2], '')}, and try again."
    )


def _no_bucket(address: str) -> StoreInputError:
    bucket = "/".join(address.split("/")[:3])
    return StoreInputError(
        f"the bucket {bucket} does not exist. Create it, or correct the address {address}."
    )


def _wrong_keys(address: str) -> StoreInputError:
    return StoreInputError(
        f"the credentials for {address} are wrong or have expired. {_CREDENTIALS.get(address[:2], '')}."
    )


def _skewed_clock(address: str) -> StoreError:
    return StoreError(
        f"the object store of {address} refuses this machine's clock. Set the clock (NTP), and try again."
    )


def _other_region(address: str) -> StoreInputError:
    return StoreInputError(f"the bucket of {address} is in another region. Set AWS_REGION to that region.")


_BY_CODE: tuple[tuple[tuple[str, ...], Callable[[str], StoreError]], ...] = (
    (_NO_BUCKET, _no_bucket),
    (_KEYS, _wrong_keys),
    (_CLOCK, _skewed_clock),
    (_REGION, _other_region),
)


def _code(text: str) -> str:
    found = _CODE.search(text)
    return found[1] if found else ""


def _status(text: str) -> str:
    found = _STATUS.search(text)
    return found[1] if found else ""

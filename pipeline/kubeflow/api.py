"""The connection to Kubeflow Pipelines: kfp's own client, with an end to every wait and errors in words."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kfp
import kfp_server_api
from kfp.client.token_credentials_base import TokenCredentialsBase
from kfp_server_api.rest import RESTClientObject
from urllib3 import exceptions as urllib3_errors

from components.errors import GreenlightError, InputError

if TYPE_CHECKING:
    from pipeline.settings.kubeflow import ApiSettings

_GRACE_SECONDS = 0.5  # for a socket's own time-out, which says more
TOKEN_VARIABLE = "GREENLIGHT_KUBEFLOW_TOKEN"
_WORDS = {
    401: "refused the token. Give a valid one in kubeflow.api.token_file or in "
    f"the environment variable {TOKEN_VARIABLE}",
    403: "does not allow this to whoever the token belongs to. Ask for the role kubeflow-pipelines-edit in "
    "the namespace (kubeflow.api.namespace)",
    404: "has nothing there",
    409: "has something of that name already",
}
_LATER = {408: "waited in vain for the request", 429: "is asked too often"}


class Taken(InputError):
    """The host has something of that name already."""


class _TokenFile(TokenCredentialsBase):
    """Reads the token for every request: whoever renews it replaces the file."""

    def __init__(self, path: Path):
        self._path = path

    def refresh_api_key_hook(self, config: Any) -> None:
        config.api_key["authorization"] = _read_token(self._path)


class _Patient(RESTClientObject):
    """kfp's requests have no end of their own and are sent again without a word; and what is no JSON is taken
    for an answer that says nothing.
    """

    def __init__(self, config: Any, seconds: float):
        config.retries = 0
        super().__init__(config)
        self._seconds = seconds

    def request(self, *args: Any, **options: Any) -> Any:
        options["_request_timeout"] = options.get("_request_timeout") or (self._seconds, self._seconds)
        answer = _within(self._seconds, lambda: super(_Patient, self).request(*args, **options))
        kind = answer.getheader("Content-Type") or ""
        if "json" not in kind:
            raise ValueError(f"it sends {kind or 'something'}, not JSON")
        if not _is_object(answer.data):
            raise ValueError("it sends no JSON object")
        return answer


def _is_object(text: str | bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _within(seconds: float, request: Callable[[], Any]) -> Any:
    """What `request` answers; a socket's own time-out is for a single byte, and a host may send one by one.

    Raises:
      urllib3.exceptions.TimeoutError: it takes longer.
    """
    ended: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            ended.put((request(), None))
        except BaseException as error:
            ended.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = ended.get(timeout=seconds + _GRACE_SECONDS)
    except queue.Empty:
        raise urllib3_errors.TimeoutError from None
    if error is not None:
        raise error
    return answer


class _Client(kfp.Client):
    """kfp's, which answers a first request that fails at once instead of after five attempts."""

    def __init__(self, *, seconds: float, **options: Any):
        self._seconds = seconds
        super().__init__(**options)

    def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
        self._healthz_api.api_client.rest_client = _Patient(self._existing_config, self._seconds)
        return self._healthz_api.healthz_service_get_healthz()


def connect(api: ApiSettings) -> kfp.Client:
    """A client that has spoken to the host.

    Raises:
      InputError: the settings do not say enough, or the host does not accept them.
      GreenlightError: it does not answer, or not as Kubeflow Pipelines does.
    """
    if api.host is None:
        raise InputError(
            "Which Kubeflow? Set its URL, such as with --set kubeflow.api.host=https://kubeflow.example/pipeline."
        )
    with in_words(api), warnings.catch_warnings(), _silent():
        warnings.simplefilter("ignore")
        client = _Client(
            seconds=api.request_seconds,
            host=api.host,
            namespace=api.namespace or "",
            ssl_ca_cert=None if api.ca_file is None else str(_there(api.ca_file, "ca_file")),
            **_token(api),
        )
        health = client.get_kfp_healthz()
    if health.multi_user and api.namespace is None:
        raise InputError(
            f"{api.host} has many users: say whose runs these are, with "
            "--set kubeflow.api.namespace=NAMESPACE."
        )
    return client


def _token(api: ApiSettings) -> dict[str, Any]:
    if api.token_file is not None:
        _read_token(api.token_file)
        return {"credentials": _TokenFile(api.token_file)}
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    return {"existing_token": token} if token else {}


def _read_token(path: Path) -> str:
    token = _there(path, "token_file").read_text(encoding="utf-8").strip()
    if not token or any(letter.isspace() for letter in token):
        raise InputError(f"kubeflow.api.token_file = {str(path)!r}: a token is one word, and this is not.")
    return token


def _there(path: Path, key: str) -> Path:
    if not path.is_file():
        raise InputError(f"kubeflow.api.{key} = {str(path)!r}: there is no such file.")
    return path


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """kfp prints links on standard output, which is the command's own."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


@contextlib.contextmanager
def in_words(api: ApiSettings) -> Iterator[None]:
    """Says what kfp's client raises inside in words that hold no token; its links are not printed.

    Raises:
      InputError: the host refuses.
      GreenlightError: it does not answer, has an error of its own, or answers what Kubeflow Pipelines would
        not; the same request may succeed later.
    """
    try:
        with _silent():
            yield
    except kfp_server_api.ApiException as error:
        if error.status in _LATER:
            raise GreenlightError(
                f"{api.host} {_LATER[error.status]}. Try again later.{_told(error)}"
            ) from None
        if error.status in _WORDS:
            kind = Taken if error.status == 409 else InputError
            raise kind(f"{api.host} {_WORDS[error.status]}.{_told(error)}") from None
        if not error.status:  # not the host's: kfp cannot read what it sent
            raise GreenlightError(_no_kubeflow(api, error.reason)) from None
        if error.status < 500:
            raise InputError(f"{api.host} refuses the request ({error.status}).{_told(error)}") from None
        raise GreenlightError(f"{api.host} has an error of its own ({error.status}).{_told(error)}") from None
    except urllib3_errors.HTTPError as error:
        raise GreenlightError(_connection(api, error)) from None
    except GreenlightError:
        raise
    except (ValueError, TypeError, AttributeError) as error:
        raise GreenlightError(_no_kubeflow(api, error)) from error


def _no_kubeflow(api: ApiSettings, reason: object) -> str:
    return (
        f"{api.host} does not answer as Kubeflow Pipelines does ({reason}): a login page, perhaps. Give "
        "the URL of the API, and a token."
    )


def _told(error: kfp_server_api.ApiException) -> str:
    """The host's own sentence; the rest of its answer is of no use to a person."""
    try:
        message = json.loads(error.body)
        said = message.get("error_message") or message.get("message") or message["error"]
        return f" It says: {' '.join(str(said).split())[:300]}"
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""


def _connection(api: ApiSettings, error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, urllib3_errors.SSLError):
        return (
            f"The certificate of {api.host} is not trusted. Give its authority's PEM file with "
            "kubeflow.api.ca_file."
        )
    if isinstance(reason, urllib3_errors.ResponseError):  # it is never followed: the token is for this host
        return _no_kubeflow(api, "it sends the request on to another address")
    refused = isinstance(reason, urllib3_errors.NewConnectionError)
    if not refused and isinstance(reason, urllib3_errors.TimeoutError):
        return f"{api.host} did not answer within {api.request_seconds:g} s (kubeflow.api.request_seconds)."
    return f"{api.host} cannot be reached ({type(reason).__name__}). Check kubeflow.api.host."

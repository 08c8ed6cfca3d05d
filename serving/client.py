"""The Python client for the model server, over REST or gRPC; it imports no TensorFlow.

    with connect("http://localhost:8501") as client:
        for prediction in client.predict(["A text to label."]):
            print(prediction.label, prediction.probability, prediction.version)

It speaks TensorFlow Serving's protocols, so it works with TensorFlow Serving and KServe as well.
"""

import math
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import SplitResult, urlsplit

from serving.status import Code
from serving.transports.calls import ClientError, ModelMetadata, Prediction, Transport, VersionState, retried

__all__ = ["Client", "ClientError", "ModelMetadata", "Prediction", "VersionState", "connect"]

DEFAULT_MODEL = "imdb_sentiment"
_MOST_TEXTS = 256
_MOST_BYTES = 2**20
_GRPC_PORT = 8500
_SCHEMES = ("http", "https", "grpc", "grpcs")


def connect(
    url: str,
    *,
    model: str = DEFAULT_MODEL,
    timeout: float = 30.0,
    retries: int = 4,
    api_key: str | None = None,
    authority: str | Path | None = None,
) -> "Client":
    """A client of the model at `url`, which is http://, https://, grpc:// or grpcs:// and a host.

    Args:
      timeout: seconds that each call may take.
        More than 0.
      retries: how often a call is repeated while the server cannot be reached or has too much to do; 0 is
        never.
      api_key: sent with each call.
      authority: PEM file with the authority that signed the server's certificate; unset means the usual ones.

    Raises:
      ValueError: the URL, the file or a number cannot be used.
    """
    parts = _split(url)
    if not 0 < timeout < math.inf:
        raise ValueError(f"timeout: expected a number of seconds above 0, and not {timeout}")
    if retries < 0:
        raise ValueError(f"retries: expected 0 or more, and not {retries}")
    pem = Path(authority) if authority is not None else None
    if pem is not None and not pem.is_file():
        raise ValueError(f"authority: {pem} is not a file")
    if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
        raise ValueError("api_key: expected printable ASCII characters")
    try:
        return Client(_transport(parts, model, timeout, api_key, pem), retries=retries)
    except ssl.SSLError as error:
        raise ValueError(f"authority: {pem} contains no certificate in PEM") from error


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(
            f"{url!r} is not the address of a model server; expected http://HOST:8501 or grpc://HOST:8500"
        )
    return parts


def _transport(
    parts: SplitResult, model: str, timeout: float, api_key: str | None, authority: Path | None
) -> Transport:
    """Each is imported when it is needed."""
    if parts.scheme in ("http", "https"):
        from serving.transports.rest import RestTransport

        return RestTransport(
            parts.geturl().rstrip("/"), model=model, timeout=timeout, api_key=api_key, authority=authority
        )
    from serving.transports.grpc import GrpcTransport

    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return GrpcTransport(
        f"{host}:{parts.port or _GRPC_PORT}",
        model=model,
        timeout=timeout,
        api_key=api_key,
        tls=parts.scheme == "grpcs",
        authority=authority,
    )


class Client:
    """Calls over a transport. Every method raises ClientError. To be used by one thread at a time."""

    def __init__(self, transport: Transport, *, retries: int) -> None:
        self._transport = transport
        self._retries = retries

    def predict(self, texts: Sequence[str], *, version: int | None = None) -> list[Prediction]:
        """One prediction a text, in order, by the newest version or by `version`.

        Many texts are sent in several calls, which versions that change meanwhile may answer.

        Raises:
          TypeError: `texts` is one text, or holds something else than texts.
        """
        if isinstance(texts, str | bytes):
            raise TypeError("predict takes a list of texts, not one text")
        for place, text in enumerate(texts, start=1):
            if not isinstance(text, str):
                raise TypeError(f"predict takes a list of texts; number {place} is {type(text).__name__}")
        found: list[Prediction] = []
        for batch in _batches(texts):
            found += retried(
                lambda batch=batch: self._transport.predict(batch, version),  # type: ignore[misc]
                retries=self._retries,
            )
        return found

    def status(self) -> list[VersionState]:
        """The versions that the server knows, newest first."""
        return retried(self._transport.status, retries=self._retries)

    def metadata(self, *, version: int | None = None) -> ModelMetadata:
        """What the newest version, or `version`, takes and gives."""
        return retried(lambda: self._transport.metadata(version), retries=self._retries)

    def close(self) -> None:
        """Frees the connection."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in calls of a size that servers take."""
    batch: list[str] = []
    size = 0
    for place, text in enumerate(texts):
        length = _length(text, place)
        if batch and (len(batch) == _MOST_TEXTS or size + length > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += length
    if batch:
        yield batch


def _length(text: str, place: int) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise ClientError(
            Code.INVALID_ARGUMENT, f"Text {place + 1} holds a lone surrogate, which UTF-8 cannot carry"
        ) from None

"""Listening addresses: loopback, or others if API keys or TLS protect the model."""

import dataclasses
import errno
import ipaddress
import socket
import ssl
from pathlib import Path

from serving.endpoint.auth import load_keys
from serving.errors import StoreInputError
from serving.machine.named_file import require_end
from serving.settings import ServeSettings

_BACKLOG = 2048


@dataclasses.dataclass(frozen=True, kw_only=True)
class Addresses:
    """The addresses of a server, as `host:port`; `grpc` is None without gRPC. tls: whether both use TLS."""

    rest: str
    grpc: str | None
    tls: bool


def check(settings: ServeSettings) -> None:
    """Refuses settings that expose an unprotected model to the network, or name a missing file.

    Raises:
      StoreInputError: with the remedy.
    """
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise StoreInputError("serve.tls_certificate and serve.tls_key belong together: give both, or none")
    for name in ("tls_certificate", "tls_key"):
        path: Path | None = getattr(settings, name)
        if path is not None and not path.is_file():
            raise StoreInputError(f"serve.{name}: {path} is not a file")
    if settings.tls_certificate is not None:
        _check_certificate(settings)
    keys = load_keys(settings)
    if not keys and settings.tls_certificate is None and not _is_loopback(settings.host):
        raise StoreInputError(
            f"{settings.host} can be reached by other machines, and nothing would protect the model. Give "
            "API keys (serve.api_keys) or a TLS certificate (serve.tls_certificate, serve.tls_key), or stay "
            "on 127.0.0.1"
        )


def _check_certificate(settings: ServeSettings) -> None:
    def refuse_passphrase() -> str:
        raise StoreInputError(
            f"serve.tls_key: {settings.tls_key} is encrypted; give a key without a passphrase, such as "
            "`openssl pkey -in KEY -out PLAIN` writes"
        )

    try:
        for path in filter(None, (settings.tls_certificate, settings.tls_key)):
            require_end(path)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.tls_certificate,  # type: ignore[arg-type]
            settings.tls_key,
            password=refuse_passphrase,
        )
    except OSError as error:  # an SSLError is one
        raise StoreInputError(f"serve.tls_certificate and serve.tls_key do not work: {error}") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int, *, setting: str) -> socket.socket:
    """A listening socket.

    Raises:
      StoreInputError: the address is taken, or not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise StoreInputError(_no_address(host, getattr(error, "strerror", None) or str(error))) from error
    try:
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise StoreInputError(_no_address(host, error.strerror or str(error))) from error
        raise StoreInputError(_cannot_listen(host, port, setting, error.strerror or str(error))) from error
    listener.setblocking(False)
    return listener


def _no_address(host: str, why: str) -> str:
    return f"cannot listen on {host}: {why}. Name an address of this machine with --host"


def _cannot_listen(host: str, port: int, setting: str, why: str) -> str:
    option = setting.replace("_", "-")
    return f"cannot listen on {host}:{port}: {why}. Choose another port with --{option}, or free it"


def address(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

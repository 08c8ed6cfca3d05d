"""Limits on the process's file descriptors, with a reserve beside the connections.

Each connection needs one. A server without free descriptors can neither accept a connection to refuse it nor
open the files of a new version, so connections are refused while some are left.
"""

import contextlib
import logging
import resource

from serving.settings import ServeSettings

_LOG = logging.getLogger("greenlight.serving")
_MOST_RESERVED = 128
_OWN = 24
"""Descriptors that the server has open without a connection."""


def reserve(settings: ServeSettings) -> None:
    """Raises the process's limit to what the settings need; warns if the system allows less."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _needed(settings)
    wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS allows less than its limit says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    if soft != resource.RLIM_INFINITY and soft < needed:
        _LOG.warning(
            "the limit of open files is below what serve.max_connections needs: connections beyond it are "
            "refused; raise it with `ulimit -n` (LimitNOFILE= in a systemd unit), or lower the setting",
            extra={"limit": soft, "needed": needed, "max_connections": settings.max_connections},
        )


def shares(settings: ServeSettings) -> tuple[int, int]:
    """The most connections of HTTP, and of gRPC, that the process's limit allows.

    Where the limit is too low for both, gRPC gets a quarter, since one connection carries many calls. It does
    not see how many descriptors are left, and would take those of HTTP, of new versions and of logs.
    """
    most = settings.max_connections
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _needed(settings):
        return most, most
    left = max(2, ceiling() - _OWN)
    grpc = max(1, left // 4) if settings.grpc else 0
    return min(most, left - grpc), min(most, max(1, grpc))


def _needed(settings: ServeSettings) -> int:
    return settings.max_connections * (2 if settings.grpc else 1) + _MOST_RESERVED


def ceiling() -> int:
    """The first descriptor that no connection may have.

    The system gives out the lowest one that is free, so a connection with this number says that all below it
    are taken.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 2**31
    return soft - min(_MOST_RESERVED, soft // 4)

"""Cross-origin access (CORS): only the origins of the settings may call the server."""

from collections.abc import Mapping

from serving.http.messages import Pairs

_ANY = "*"
_ALLOWED: Pairs = (
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type, Authorization, X-API-Key"),
)


class Cors:
    """The CORS headers for the allowed origins."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)
        self._any = _ANY in origins

    def allows(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether pages of the request's origin may call the server."""
        origin = headers.get(b"origin")
        return origin is not None and (self._any or origin in self._origins)

    def headers(self, headers: Mapping[bytes, bytes]) -> Pairs:
        """The CORS headers of the response to a request with `headers`."""
        if not self._origins:
            return ()
        varies: Pairs = () if self._any else ((b"vary", b"Origin"),)
        if not self.allows(headers):
            return varies
        origin = _ANY.encode() if self._any else headers[b"origin"]
        return ((b"access-control-allow-origin", origin), *_ALLOWED, *varies)

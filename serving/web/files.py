"""The files of the web page at `/`."""

from collections.abc import Mapping
from html import escape
from importlib import resources

from serving.http.messages import Response

_TYPES = {".html": b"text/html; charset=utf-8", ".css": b"text/css", ".js": b"text/javascript"}

_HEADERS = (
    # Nothing from elsewhere, no script in the page itself, no other site around it.
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
)


def pages(model_name: str) -> Mapping[str, Response]:
    """The files by their path: `/` is the page, `/web/NAME` what it loads.

    They say nothing but the model's name, so they are answered without a key; what they ask is not.
    """
    found = {}
    for file in resources.files(__package__).iterdir():
        kind = _TYPES.get(f".{file.name.rpartition('.')[2]}")
        if kind is not None:
            text = file.read_text(encoding="utf-8").replace("{{ model_name }}", escape(model_name))
            path = "/" if file.name == "index.html" else f"/web/{file.name}"
            found[path] = Response(body=text.encode(), content_type=kind, headers=_HEADERS)
    return found

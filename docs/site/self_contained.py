"""A hook of MkDocs: the build fails if a page loads a script, style or picture from another host."""

from html.parser import HTMLParser

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""The attribute of an element with the address that a browser loads with the page."""
ONLY_NAMED = {"canonical", "next", "prev"}
"""Kinds of `link` that a browser does not load."""


def on_post_page(output: str, page: object, config: object) -> str:
    """Raises PluginError if the finished page loads something from another host."""
    from mkdocs.exceptions import PluginError

    if found := other_hosts(output):
        raise PluginError(f"the site is not self-contained, it loads {', '.join(found)}")
    return output


def other_hosts(html: str) -> list[str]:
    """The addresses on other hosts that a browser loads with the page, in their order."""
    parser = _Resources()
    parser.feed(html)
    return parser.found


class _Resources(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get(LOADED.get(tag, "")) or ""
        if address.startswith(("http:", "https:", "//")) and given.get("rel") not in ONLY_NAMED:
            self.found.append(address)

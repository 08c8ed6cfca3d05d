"""Pages of the documentation's site that load something from another host."""

import pytest
from self_contained import other_hosts


@pytest.mark.parametrize(
    ("html", "found"),
    [
        (
            '<script src="https://unpkg.com/iframe-worker/shim"></script>',
            "https://unpkg.com/iframe-worker/shim",
        ),
        ('<link rel="stylesheet" href="//fonts.example/css">', "//fonts.example/css"),
        ('<img alt="" src="http://badges.example/passing.svg"/>', "http://badges.example/passing.svg"),
    ],
)
def test_what_a_browser_would_load_from_elsewhere_is_found(html, found):
    assert other_hosts(f"<html><head>{html}</head></html>") == [found]


@pytest.mark.parametrize(
    "html",
    [
        '<script src="assets/bundle.js"></script>',
        '<a href="https://semver.org">Semantic Versioning</a>',
        '<link rel="canonical" href="https://docs.example/">',
        "<script>const address = 'https://example'</script>",
    ],
)
def test_own_files_links_and_text_are_not(html):
    assert other_hosts(html) == []

"""The requests that docs/rest.md shows are answered, and with answers of the shape it shows."""

import json
import re
import shlex
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "rest.md"
SHOWN = [
    (shlex.split(command.replace("\\\n", "")), json.loads(answer))
    for command, answer in re.findall(r"^\$ curl (.*(?:\\\n.*)*)\n(\{.*)$", PAGE.read_text(), re.MULTILINE)
]


def shape(value):
    """A JSON value without its figures."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value)


def test_the_page_shows_requests():
    assert len(SHOWN) >= 6


@pytest.mark.parametrize(("arguments", "answer"), SHOWN, ids=[arguments[-1] for arguments, _ in SHOWN])
def test_a_shown_request_is_answered_like_that(client, arguments, answer):
    path = arguments[-1].removeprefix("localhost:8501")
    body = arguments[arguments.index("-d") + 1] if "-d" in arguments else None
    response = client.get(path) if body is None else client.post(path, content=body)
    assert response.status_code == 200
    assert shape(response.json()) == shape(answer)

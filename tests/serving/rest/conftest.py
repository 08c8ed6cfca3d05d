"""A client of the server that the tests share."""

import httpx
import pytest


@pytest.fixture(scope="session")
def client(served) -> httpx.Client:
    return served.client

"""One server of HTTP for all tests of it that leave it as it is, and a client."""

import httpx
import pytest


@pytest.fixture(scope="session")
def served(serving_small):
    with serving_small() as running:
        yield running


@pytest.fixture(scope="session")
def client(served) -> httpx.Client:
    return served.client

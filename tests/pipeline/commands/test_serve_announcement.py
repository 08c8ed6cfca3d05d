"""The command that `greenlight serve` shows works as it stands, wherever it listens."""

import pytest

from pipeline.commands.serving.serve import _question
from pipeline.config import Settings
from serving.endpoint.addresses import Addresses

QUESTION = """-d '{"instances": ["A wonderful film."]}'"""
PATH = "/v1/models/imdb_sentiment:predict"


def question(rest: str, *, tls: bool = False, **serve) -> str:
    return _question(Addresses(rest=rest, grpc=None, tls=tls), Settings.model_validate({"serve": serve}))


@pytest.mark.parametrize(
    ("listens", "asked"),
    [
        ("127.0.0.1:8501", "127.0.0.1:8501"),
        ("0.0.0.0:8501", "127.0.0.1:8501"),
        ("[::]:8501", "[::1]:8501"),
        ("models.example:9", "models.example:9"),
    ],
)
def test_it_asks_where_an_answer_comes_from(listens, asked):
    assert question(listens) == f"curl {QUESTION} http://{asked}{PATH}"


def test_it_brings_a_key_where_one_is_asked_for():
    key = '-H "Authorization: Bearer $KEY"'
    assert question("a:1", api_keys="keys") == f"curl {key} {QUESTION} http://a:1{PATH}"
    assert '"Authorization: Bearer $MY_KEY"' in question("a:1", api_key_variable="MY_KEY")


def test_it_trusts_the_servers_own_certificate():
    found = question("a:1", tls=True, tls_certificate="my chain.pem", tls_key="k")
    assert found == f"curl --cacert 'my chain.pem' {QUESTION} https://a:1{PATH}"

"""Clients in other languages, with the usual HTTP and gRPC libraries there, against a real server."""

import json

import pytest
from clients.conftest import KEY, MODEL
from clients.languages import LANGUAGES, run

TEXTS = ("A great film", "Ein schöner Film, dem man gern länger zugesehen hätte", "最高の映画 🎬", "")
PROBABILITIES = [len(text) / 64 for text in TEXTS]
LABELS = ["positive" if probability >= 0.5 else "negative" for probability in PROBABILITIES]

pytestmark = [pytest.mark.proof, pytest.mark.clients, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", params=sorted(LANGUAGES))
def answers(request, client, server):
    """What a client has got from the server, over each protocol."""
    folder, start = client(request.param)
    given = (server.rest, server.grpc, MODEL, str(server.descriptors), *TEXTS)
    done = run(*start, *given, folder=folder, GREENLIGHT_API_KEY=KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_the_model_answers_every_text(answers, protocol):
    got = answers[protocol]
    assert got["probabilities"] == PROBABILITIES
    assert got["labels"] == LABELS
    assert (got["version"], got["state"]) == (1, "AVAILABLE")


@pytest.mark.parametrize(
    ("protocol", "codes"),
    [("rest", (404, 400, 401)), ("grpc", ("NOT_FOUND", "INVALID_ARGUMENT", "UNAUTHENTICATED"))],
)
def test_errors_have_the_codes_of_the_protocol(answers, protocol, codes):
    got = answers[protocol]
    assert (got["unknown_model"], got["wrong_type"], got["without_key"]) == codes


def test_health_needs_no_key(answers):
    assert answers["grpc"]["health"] == "SERVING"

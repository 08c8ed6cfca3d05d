"""The OpenAPI document says what the server does: schemathesis asks for all of it."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.rest.openapi import document

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
DOCUMENT = document("imdb_sentiment", "1.0", with_keys=False)
OPERATIONS = [
    (path, method) for path, item in DOCUMENT["paths"].items() for method in item if method != "parameters"
]


@pytest.fixture(scope="module")
def schema(served):
    loaded = schemathesis.openapi.from_dict(document("imdb_sentiment", "1.0", with_keys=False))
    loaded.config.update(base_url=served.url)
    return loaded


def test_the_document_is_valid_openapi_and_served(client):
    served = client.get("/openapi.json").json()
    assert served["openapi"] == "3.1.0"
    assert served["paths"].keys() == DOCUMENT["paths"].keys()
    schemathesis.openapi.from_dict(served).validate()


def test_advice_when_to_try_again_is_promised_where_it_is_given():
    responses = DOCUMENT["components"]["responses"]
    assert [code for code, response in responses.items() if "headers" in response] == ["503"]


def test_keys_are_in_the_document_where_they_are_asked_for():
    guarded = document("imdb_sentiment", "1.0", with_keys=True)
    assert guarded["security"] == [{"bearer": []}, {"header": []}]
    assert guarded["components"]["securitySchemes"].keys() == {"bearer", "header"}
    assert guarded["paths"]["/readyz"]["get"]["security"] == []
    assert "security" not in DOCUMENT


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_is_asked_is_answered_as_the_document_says(schema, path, method):
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(case=schema[path][method].as_strategy())
    def ask(case):
        case.call_and_validate(checks=CHECKS)

    ask()


@pytest.mark.parametrize(("path", "method"), [one for one in OPERATIONS if "{" not in one[0]])
def test_what_has_no_parameter_is_there(client, path, method):
    assert client.request(method, path).status_code == 200


def test_the_examples_are_answered(client):
    schemas = DOCUMENT["components"]["schemas"]
    for example in schemas["PredictRequest"]["examples"]:
        assert client.post("/v1/models/imdb_sentiment:predict", json=example).status_code == 200
    for example in schemas["V2Request"]["examples"]:
        assert client.post("/v2/models/imdb_sentiment/infer", json=example).status_code == 200

"""Whatever bytes, documents and paths come: an answer below 500, in JSON, and a server that lives on."""

import json
import string

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MODEL = "/v1/models/imdb_sentiment"
SOME = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([{"b64": "Z29vZA=="}, {"b64": "?"}, {"b64": 1}, "\ud800", "good"])
)
NAMES = st.sampled_from(["text", "inputs", "x", "floats", "ints", "flags", "payload", "b64", ""])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
SIGNATURES = st.sampled_from(
    ["", "serving_default", "tf_example", "classify", "regress", "kinds", "one_number"]
)
TENSORS = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES | VALUES,
        "datatype": st.sampled_from(["BYTES", "FP32", "INT64", "BOOL"]) | VALUES,
        "shape": st.lists(st.integers(-1, 3) | VALUES, max_size=3) | VALUES,
        "data": VALUES,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": st.integers(-1, 40) | VALUES})
        | VALUES,
    },
)


def check(response) -> None:
    assert response.status_code < 500, response.text
    json.loads(response.content)
    if response.status_code != 200:
        assert list(response.json()) == ["error"]
        assert "Traceback" not in response.text


def as_json(document) -> bytes:
    return json.dumps(document).encode("utf-8", "surrogatepass")


@SOME
@given(st.sampled_from(["predict", "classify", "regress"]), st.binary(max_size=300))
def test_any_bytes(client, method, body):
    check(client.post(f"{MODEL}:{method}", content=body))


@SOME
@given(
    st.fixed_dictionaries(
        {}, optional={"instances": VALUES, "inputs": VALUES, "signature_name": SIGNATURES | SCALARS}
    )
)
def test_any_document_to_predict(client, document):
    check(client.post(f"{MODEL}:predict", content=as_json(document)))


@SOME
@given(
    st.sampled_from(["classify", "regress"]),
    st.fixed_dictionaries(
        {},
        optional={
            "examples": VALUES | st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=3),
            "context": VALUES,
            "signature_name": SIGNATURES,
        },
    ),
)
def test_any_examples(client, method, document):
    check(client.post(f"{MODEL}:{method}", content=as_json(document)))


@SOME
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "inputs": st.lists(TENSORS, max_size=4) | VALUES,
            "outputs": st.lists(TENSORS, max_size=2) | VALUES,
            "id": SCALARS,
            "parameters": st.fixed_dictionaries(
                {}, optional={"signature_name": SIGNATURES, "binary_data_output": st.just(False) | SCALARS}
            ),
        },
    ),
    st.binary(max_size=40),
    st.booleans(),
)
def test_any_inference(client, document, tail, with_length):
    head = as_json(document)
    headers = {"Inference-Header-Content-Length": str(len(head))} if with_length else {}
    response = client.post("/v2/models/imdb_sentiment/infer", content=head + tail, headers=headers)
    if response.headers["content-type"] == "application/json":
        check(response)
    else:
        assert response.status_code == 200


@SOME
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
    st.sampled_from(
        [
            "/v1/",
            "/v1/models/",
            f"{MODEL}",
            f"{MODEL}/versions/",
            f"{MODEL}/labels/",
            "/v2/",
            "/v2/models/",
            "/",
        ]
    ),
    st.text(alphabet=string.ascii_letters + string.digits + "/:%._-~!$&'()*+,;=@", max_size=30),
)
def test_any_path(client, method, start, rest):
    response = client.request(method, (start + rest).replace("//", "/"))
    assert response.status_code < 500
    if method != "HEAD" and response.content and response.status_code >= 400:
        assert list(response.json()) == ["error"]

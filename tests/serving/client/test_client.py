import processes
import pytest
import tensorflow as tf
import trustme

from serving.client import ClientError, connect
from serving.status import Code

TEXTS = ["a good film", "a film", "naïve “good” 🎬", ""]
PROTOCOLS = ("http", "grpc")


def url_of(running, protocol: str) -> str:
    return f"{protocol}://{running.rest if protocol.startswith('http') else running.grpc}"


@pytest.fixture(params=PROTOCOLS)
def client(request, served):
    with connect(url_of(served, request.param)) as opened:
        yield opened


def test_predictions_are_those_of_the_model_in_process(client, small_model):
    answer = tf.saved_model.load(str(small_model())).signatures["serving_default"](text=tf.constant(TEXTS))
    found = client.predict(TEXTS)
    assert [one.label.encode() for one in found] == answer["label"].numpy().tolist()
    assert [one.probability for one in found] == pytest.approx(answer["probability"].numpy().tolist())
    assert {one.version for one in found} == {1}


def test_many_texts_go_in_several_calls_and_come_back_in_order(client):
    texts = ["good" if number % 3 else "bad" for number in range(1500)]
    labels = [one.label for one in client.predict(texts)]
    assert labels == ["positive" if number % 3 else "negative" for number in range(1500)]


def test_no_texts_have_no_predictions(client):
    assert client.predict([]) == []


def test_one_text_in_place_of_a_list_is_a_mistake(client):
    with pytest.raises(TypeError, match="predict takes a list of texts, not one text"):
        client.predict("good")


@pytest.mark.parametrize(
    ("texts", "message"),
    [(b"good", "not one text"), ([5], "number 1 is int"), (["good", b"x"], "number 2 is bytes")],
)
def test_what_is_no_text_is_a_mistake(client, texts, message):
    with pytest.raises(TypeError, match=message):
        client.predict(texts)


@pytest.mark.parametrize("protocol", ["https", "grpcs"])
def test_a_certificate_of_an_unknown_authority_is_not_tried_again_and_the_remedy_named(
    tmp_path, small_workspace, serve_workspace, monkeypatch, protocol
):
    certificate = trustme.CA().issue_cert("localhost", "127.0.0.1")
    (tmp_path / "chain.pem").write_bytes(certificate.cert_chain_pems[0].bytes())
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    running = serve_workspace(
        small_workspace, tls_certificate=tmp_path / "chain.pem", tls_key=tmp_path / "key.pem"
    )
    monkeypatch.setattr("serving.transports.calls.time.sleep", lambda seconds: pytest.fail("tried again"))
    with connect(url_of(running, protocol)) as client, pytest.raises(ClientError) as caught:
        client.predict(["good"])
    assert caught.value.code is Code.FAILED_PRECONDITION
    assert "has a certificate that is not trusted" in caught.value.message
    assert "--authority of the command" in caught.value.message


def test_the_versions_on_the_server_can_be_asked_for(client):
    (one,) = client.status()
    assert (one.version, one.state, one.code, one.message) == (1, "AVAILABLE", Code.OK, "")


def test_the_signatures_can_be_asked_for(client):
    found = client.metadata()
    signature = found.signatures["serving_default"]
    assert found.version == 1
    assert signature.inputs["text"].dtype == "string"
    assert signature.inputs["text"].shape == (-1,)
    assert {name: tensor.dtype for name, tensor in signature.outputs.items()} == {
        "label": "string",
        "probability": "float",
    }


def test_a_version_can_be_named_and_one_that_is_not_there_is_an_error(client):
    assert client.predict(["good"], version=1)[0].version == 1
    with pytest.raises(
        ClientError, match=r"Servable not found for request: Specific\(imdb_sentiment, 7\)"
    ) as e:
        client.predict(["good"], version=7)
    assert e.value.code is Code.NOT_FOUND


def test_what_utf8_cannot_carry_is_named(client):
    with pytest.raises(ClientError, match="Text 2 holds a lone surrogate"):
        client.predict(["good", "\ud800"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_model_is_not_found(served, protocol):
    with connect(url_of(served, protocol), model="other") as client, pytest.raises(ClientError) as caught:
        client.predict(["good"])
    assert caught.value.code is Code.NOT_FOUND
    assert "other" in caught.value.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_new_version_answers_as_soon_as_it_is_served(
    small_workspace, small_model, serve_workspace, protocol
):
    running = serve_workspace(small_workspace)
    with connect(url_of(running, protocol)) as client:
        assert client.predict(["good"])[0].version == 1
        running.push(small_model(0.5))
        versions = {1}
        while versions != {2}:
            versions = {one.version for one in client.predict(["good"] * 300)}
        assert client.status()[0].version == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_is_not_there_is_named_after_the_last_try(protocol):
    with connect(f"{protocol}://127.0.0.1:1", retries=1) as client, pytest.raises(ClientError) as caught:
        client.predict(["good"])
    assert caught.value.code is Code.UNAVAILABLE
    assert "127.0.0.1:1 cannot be reached" in caught.value.message


@pytest.mark.parametrize("protocol", ["https", "grpcs"])
def test_keys_and_certificates_open_a_guarded_server(tmp_path, small_workspace, serve_workspace, protocol):
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    (tmp_path / "chain.pem").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    (tmp_path / "keys").write_text("k" * 24)
    running = serve_workspace(
        small_workspace,
        tls_certificate=tmp_path / "chain.pem",
        tls_key=tmp_path / "key.pem",
        api_keys=tmp_path / "keys",
    )
    given = {"authority": tmp_path / "authority.pem", "retries": 0}
    with connect(url_of(running, protocol), api_key="k" * 24, **given) as client:
        assert client.predict(["good"])[0].label == "positive"
    with connect(url_of(running, protocol), **given) as client, pytest.raises(ClientError) as caught:
        client.predict(["good"])
    assert caught.value.code is Code.UNAUTHENTICATED
    with connect(url_of(running, protocol), retries=0) as client, pytest.raises(ClientError) as caught:
        client.predict(["good"])
    assert caught.value.code is Code.FAILED_PRECONDITION


@pytest.mark.parametrize(
    "url",
    [
        "http://host/v1/models/foo",
        "grpc://host/foo",
        "localhost:8501",
        "ftp://localhost",
        "http://",
        "http://a:b@c",
        "grpc://host:99999",
        "http://[",
        "",
    ],
)
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(ValueError, match="is not the address of a model server; expected http://HOST:8501"):
        connect(url)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 0}, "timeout: expected a number of seconds above 0, and not 0"),
        ({"timeout": float("nan")}, "timeout: expected a number of seconds above 0, and not nan"),
        ({"retries": -1}, "retries: expected 0 or more, and not -1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        connect("http://localhost", **options)


def test_an_authority_that_is_none_is_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"authority: .*nothing is not a file"):
        connect("https://localhost", authority=tmp_path / "nothing")
    (tmp_path / "empty").write_text("nothing")
    with pytest.raises(ValueError, match="empty contains no certificate"):
        connect("https://localhost", authority=tmp_path / "empty")


def test_a_client_imports_no_tensorflow(served):
    script = """
import sys
from serving.client import connect
for url in sys.argv[1:]:
    with connect(url) as client:
        print(client.predict(["good"])[0].label, client.status()[0].version)
print(sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "numpy", "apache_beam", "tfx"}))
"""
    urls = [url_of(served, protocol) for protocol in PROTOCOLS]
    ended = processes.python("-c", script, *urls)
    assert ended.stdout.splitlines() == ["positive 1", "positive 1", "[]"]

"""API keys, TLS and origins: who may call, and what those learn who may not."""

import contextlib
import json
import socket
import ssl

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from serving.endpoint.addresses import check
from serving.endpoint.auth import load_keys
from serving.errors import StoreInputError
from serving.settings import ServeSettings

KEY, OTHER = "0123456789abcdef", "fedcba9876543210-other"
HERE = "/v1/models/imdb_sentiment"
PAGE = "http://page.example"


@pytest.fixture(scope="module")
def guarded(serving_small, tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(f"# of the dashboard\n{KEY}\n\n  {OTHER}  \n")
    with serving_small(api_keys=keys, cors_origins=(PAGE,)) as running:
        yield running.client


@pytest.mark.parametrize("key", [KEY, OTHER])
@pytest.mark.parametrize(
    "header", [("Authorization", "Bearer {}"), ("authorization", "bearer {}"), ("X-API-Key", "{}")]
)
def test_a_key_opens_everything(guarded, header, key):
    headers = {header[0]: header[1].format(key)}
    for path in (HERE, f"{HERE}/metadata", "/v2", "/openapi.json", "/monitoring/prometheus/metrics"):
        assert guarded.get(path, headers=headers).status_code == 200
    assert guarded.post(f"{HERE}:predict", json={"instances": ["good"]}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "An API key is needed: send the header Authorization: Bearer KEY, or X-API-Key: KEY"),
        (
            {"Authorization": f"Basic {KEY}"},
            "An API key is needed: send the header Authorization: Bearer KEY, or X-API-Key: KEY",
        ),
        ({"Authorization": "Bearer x"}, "The API key is not valid"),
        ({"Authorization": f"Bearer {KEY}x"}, "The API key is not valid"),
        ({"X-API-Key": KEY[:-1]}, "The API key is not valid"),
        ({"X-API-Key": "# of the dashboard"}, "The API key is not valid"),
    ],
)
@pytest.mark.parametrize(
    "path", [HERE, "/v1/foo", "/v2", "/openapi.json", "/monitoring/prometheus/metrics", "/nothing"]
)
def test_without_a_key_there_is_nothing_to_learn(guarded, path, headers, text):
    response = guarded.get(path, headers=headers)
    assert (response.status_code, response.json()) == (401, {"error": text})
    assert response.headers["www-authenticate"] == 'Bearer realm="greenlight"'


def test_a_key_is_asked_for_before_the_body_is_read(guarded):
    response = guarded.post(f"{HERE}:predict", content=b"no JSON")
    assert response.status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"])
def test_health_needs_no_key(guarded, path):
    assert guarded.get(path).status_code == 200


def test_a_page_of_an_allowed_origin_may_read(guarded):
    preflight = guarded.options(f"{HERE}:predict", headers={"Origin": PAGE})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == PAGE
    assert "X-API-Key" in preflight.headers["access-control-allow-headers"]
    assert guarded.options("/v2", headers={"Origin": PAGE}).status_code == 200
    response = guarded.get(HERE, headers={"Origin": PAGE, "X-API-Key": KEY})
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["vary"] == "Origin"


def test_a_page_of_another_origin_may_not(guarded):
    for response in (
        guarded.options(f"{HERE}:predict", headers={"Origin": "http://other.example"}),
        guarded.get(HERE, headers={"Origin": "http://other.example", "X-API-Key": KEY}),
    ):
        assert "access-control-allow-origin" not in response.headers
        assert response.headers["vary"] == "Origin"


def test_any_origin_if_the_settings_say_so(serving_small):
    with serving_small(cors_origins=("*",)) as running:
        response = running.client.get(HERE, headers={"Origin": PAGE})
        assert response.headers["access-control-allow-origin"] == "*"
        assert "vary" not in response.headers
        assert "access-control-allow-origin" not in running.client.get(HERE).headers


def test_keys_stay_out_of_the_log(serving_small, tmp_path, monkeypatch, capfdbinary):
    monkeypatch.setenv("GREENLIGHT_TEST_KEY", KEY)
    with serving_small(api_key_variable="GREENLIGHT_TEST_KEY", access_log=True) as running:
        running.client.get(HERE, headers={"X-API-Key": KEY})
        running.client.get(HERE, headers={"X-API-Key": "not-" + KEY})
        running.client.get(f"/{KEY}")
    lines = [json.loads(line) for line in capfdbinary.readouterr().err.splitlines() if line.startswith(b"{")]
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in requests] == [200, 401, 401]
    assert KEY not in json.dumps(lines)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "contains no key. Write one a line, such as `openssl rand -hex 24` makes"),
        (b"# only a word\n", "contains no key. Write one a line"),
        (b"short\n", "is too short or has odd characters: take at least 16 printable ASCII characters"),
        ("0123456789abcdéf\n".encode(), "is too short or has odd characters"),
        (b"0123456789 abcdef\n", "is too short or has odd characters"),
        (b"\xff\xfe0123456789abcdef", "cannot be read: it is not UTF-8"),
    ],
)
def test_a_file_that_holds_no_good_key_is_refused_without_showing_it(tmp_path, content, text):
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StoreInputError) as caught:
        load_keys(ServeSettings(api_keys=file))
    assert str(caught.value).startswith("serve.api_keys: ") and text in str(caught.value)
    assert "0123456789" not in str(caught.value)


def test_a_variable_that_is_not_set_is_refused(monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(StoreInputError, match="the environment variable NO_SUCH_KEY is not set"):
        load_keys(ServeSettings(api_key_variable="NO_SUCH_KEY"))


def test_no_keys_are_no_keys():
    assert not load_keys(ServeSettings())


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority, tmp_path):
    """The settings for a certificate of 127.0.0.1, and its files."""
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "chain.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    return {"tls_certificate": tmp_path / "chain.pem", "tls_key": tmp_path / "key.pem"}


def test_https(serving_small, authority, tls):
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with (
        serving_small(**tls) as running,
        httpx.Client(base_url=running.url, verify=trust) as client,
        contextlib.closing(httpx.Client(base_url=running.url.replace("https", "http"))) as plain,
    ):
        response = client.post(f"{HERE}:predict", json={"instances": ["good"]})
        assert response.json()["predictions"][0]["label"] == "positive"
        with pytest.raises(httpx.TransportError):
            plain.get(HERE)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{running.url}{HERE}")


def test_a_client_that_does_not_shake_hands_is_cut_off(serving_small, authority, tls):
    with serving_small(**tls, header_seconds=0.3) as running:
        for begin in (b"", b"\x16\x03\x01\x02\x00\x01"):
            with socket.create_connection(("127.0.0.1", running.port), timeout=20) as silent:
                silent.sendall(begin)
                with contextlib.suppress(ConnectionResetError):
                    while silent.recv(4096):
                        pass  # nothing but TLS's own alert


def test_a_certificate_and_its_key_are_tried_before_anything_starts(tls):
    check(ServeSettings(**tls))
    key = tls["tls_key"]
    with pytest.raises(StoreInputError, match="belong together: give both, or none"):
        check(ServeSettings(tls_key=key))
    with pytest.raises(StoreInputError, match=r"serve\.tls_key: .*absent is not a file"):
        check(ServeSettings(**tls | {"tls_key": key.with_name("absent")}))
    with pytest.raises(StoreInputError, match=r"serve.tls_certificate and serve.tls_key do not work: .*PEM"):
        check(ServeSettings(**tls | {"tls_certificate": key}))


def test_a_key_that_needs_a_passphrase_is_refused_and_asks_nobody(tls):
    key = serialization.load_pem_private_key(tls["tls_key"].read_bytes(), None)
    tls["tls_key"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(StoreInputError, match="is encrypted; give a key without a passphrase"):
        check(ServeSettings(**tls))


def test_what_carries_the_server_speaks_in_lines_of_json_too(serving_small, capfdbinary):
    with serving_small() as running, socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(b"no HTTP\r\n\r\n")
        while connection.recv(65536):
            pass
    events = [json.loads(line) for line in capfdbinary.readouterr().err.splitlines()]
    assert ("warning", "Invalid HTTP request received.") in [(one["level"], one["event"]) for one in events]

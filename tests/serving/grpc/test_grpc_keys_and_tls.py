import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

KEY = "k" * 24
STATUS = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "imdb_sentiment"})


@pytest.fixture
def guarded(tmp_path, small_workspace, serve_workspace):
    """A channel to a server with TLS that wants an API key."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    files = {name: tmp_path / name for name in ("chain.pem", "key.pem", "keys")}
    files["chain.pem"].write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(files["key.pem"])
    files["keys"].write_text(f"# ours\n{KEY}\n")
    running = serve_workspace(
        small_workspace,
        tls_certificate=files["chain.pem"],
        tls_key=files["key.pem"],
        api_keys=files["keys"],
    )
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    with grpc.secure_channel(running.grpc, credentials) as channel:
        yield channel


def test_a_key_opens_the_server_health_needs_none_and_the_rest_is_shut(guarded, status_of):
    models = model_service_pb2_grpc.ModelServiceStub(guarded)
    for metadata in (("x-api-key", KEY), ("authorization", f"Bearer {KEY}")):
        assert models.GetModelStatus(STATUS, timeout=20, metadata=[metadata]).model_version_status
    code, text = status_of(models.GetModelStatus, STATUS)
    assert code == "UNAUTHENTICATED"
    assert "Authorization: Bearer KEY" in text
    wrong = status_of(models.GetModelStatus, STATUS, metadata=[("x-api-key", "w" * 24)])
    assert wrong == ("UNAUTHENTICATED", "The API key is not valid")

    health = health_pb2_grpc.HealthStub(guarded)
    assert health.Check(health_pb2.HealthCheckRequest(), timeout=20).status == 1

    stub = reflection_pb2_grpc.ServerReflectionStub(guarded)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.ServerReflectionInfo(iter([asked]), timeout=20))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert list(stub.ServerReflectionInfo(iter([asked]), timeout=20, metadata=[("x-api-key", KEY)]))


def test_who_does_not_know_the_authority_gets_no_connection(guarded):
    other = grpc.ssl_channel_credentials(trustme.CA().cert_pem.bytes())
    address = guarded._channel.target().decode()
    with grpc.secure_channel(address, other) as channel:
        models = model_service_pb2_grpc.ModelServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            models.GetModelStatus(STATUS, timeout=20)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE

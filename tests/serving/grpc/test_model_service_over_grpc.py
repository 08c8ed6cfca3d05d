import shutil

import grpc
import pytest
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)


def status_request(name: str = "imdb_sentiment", version: int | None = None):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    return request


def metadata_request(*fields: str, name: str = "imdb_sentiment"):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = name
    return request


def test_the_state_of_a_version_is_told(models):
    (found,) = models.GetModelStatus(status_request(), timeout=20).model_version_status
    assert (found.version, found.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    assert (found.status.error_code, found.status.error_message) == (0, "")


@pytest.mark.parametrize(
    ("request_", "which"),
    [
        (status_request("other"), "any versions of model other"),
        (status_request(version=9), "version 9 of model imdb_sentiment"),
    ],
)
def test_the_state_of_what_is_not_there_is_not_found(models, status_of, request_, which):
    assert status_of(models.GetModelStatus, request_) == ("NOT_FOUND", f"Could not find {which}")


def test_a_version_that_is_not_what_its_manifest_says_is_reported_and_not_served(
    small_workspace, serve_workspace
):
    good = small_workspace / "serving" / "imdb_sentiment" / "1"
    shutil.copytree(good, good.with_name("2"))  # its manifest is that of version 1
    running = serve_workspace(small_workspace)
    with grpc.insecure_channel(running.grpc) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        bad, served = stub.GetModelStatus(status_request(), timeout=20).model_version_status
    assert (bad.version, bad.state) == (2, get_model_status_pb2.ModelVersionStatus.END)
    assert bad.status.error_code == grpc.StatusCode.DATA_LOSS.value[0]
    assert "version 2" in bad.status.error_message
    assert (served.version, served.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)


def test_the_signatures_are_told(prediction):
    response = prediction.GetModelMetadata(metadata_request("signature_def"), timeout=20)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "tf_example", "classify", "regress"} <= set(signatures.signature_def)
    assert set(signatures.signature_def["serving_default"].inputs) == {"text"}
    assert response.model_spec.version.value == 1


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (metadata_request(), "GetModelMetadataRequest must specify at least one metadata_field"),
        (metadata_request("other"), "Metadata field other is not supported"),
        (get_model_metadata_pb2.GetModelMetadataRequest(), "Missing ModelSpec"),
    ],
)
def test_metadata_that_cannot_be_had_is_refused_in_words(prediction, status_of, request_, text):
    assert status_of(prediction.GetModelMetadata, request_) == ("INVALID_ARGUMENT", text)


def test_a_server_is_not_reconfigured_by_its_clients(models, status_of):
    code, text = status_of(models.HandleReloadConfigRequest, model_management_pb2.ReloadConfigRequest())
    assert code == "UNIMPLEMENTED"
    assert "promote or roll back a version" in text

"""The manifests, held against Kubernetes' schemas and the models of KServe's and Kubernetes' own clients."""

import importlib.util
import re
import sys
import types
from pathlib import Path

import kubernetes.client.models
import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from components.errors import InputError
from pipeline.deployment import kserve

EXAMPLE = Path(__file__).parents[3] / "deploy" / "kserve" / "inference-service.yaml"
URI = "gs://bucket/serving/imdb_sentiment"
PLAIN = {"str", "int", "bool", "float", "object", "datetime"}
QUANTITIES = {"ResourceQuantity", "K8sResource"}


def rendered(release, **choices):
    return list(yaml.safe_load_all(kserve.render(release, storage_uri=URI, **choices)))


@pytest.fixture(scope="module")
def kserve_class():
    """Finds a class of KServe's client; its package is not imported, for that would start its servers."""
    spec = importlib.util.find_spec("kserve")
    package = types.ModuleType("kserve")
    package.__path__ = list(spec.submodule_search_locations)
    before = sys.modules.get("kserve")
    sys.modules["kserve"] = package

    def find(name):
        module = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("v1_beta1", "v1beta1")
        try:
            return getattr(importlib.import_module(f"kserve.models.{module}"), name)
        except ModuleNotFoundError:
            return getattr(kubernetes.client.models, name)

    yield find
    sys.modules.pop("kserve") if before is None else sys.modules.update(kserve=before)


def strangers(value, kind, find, path=""):
    """The keys in `value` that the client's class `kind` does not know, with where they are."""
    if kind in PLAIN or kind in QUANTITIES or kind.startswith("dict("):
        return []
    if kind.startswith("list["):
        return [one for part in value for one in strangers(part, kind[5:-1], find, f"{path}[]")]
    model = find(kind)
    kinds = {key: model.openapi_types[name] for name, key in model.attribute_map.items()}
    found = [f"{path}.{key}" for key in value if key not in kinds]
    for key, part in value.items():
        if key in kinds:
            found += strangers(part, kinds[key], find, f"{path}.{key}")
    return found


def test_kubernetes_accepts_the_config_map(release):
    config_map, _ = rendered(release)
    kubernetes_validate.validate(config_map, "1.29", strict=True)


def test_kserve_knows_every_key_of_the_inference_service(release, kserve_class):
    _, service = rendered(release)
    assert strangers(service, "V1beta1InferenceService", kserve_class) == []


def test_a_key_that_kserve_does_not_know_would_be_found(release, kserve_class):
    _, service = rendered(release)
    service["spec"]["predictor"]["model"]["storageUrl"] = "x"
    service["spec"]["predictor"]["volumes"][0]["configMapp"] = {}
    assert strangers(service, "V1beta1InferenceService", kserve_class) == [
        ".spec.predictor.model.storageUrl",
        ".spec.predictor.volumes[].configMapp",
    ]


def test_the_server_is_pinned_to_the_version_through_the_config_map(release):
    config_map, service = rendered(release)
    predictor = service["spec"]["predictor"]
    assert (
        predictor["volumes"][0]["configMap"]["name"] == config_map["metadata"]["name"] == "imdb-sentiment-v3"
    )
    (mount,) = predictor["model"]["volumeMounts"]
    assert "--model_config_file=/etc/serving/models.config" in predictor["model"]["args"]
    assert mount["mountPath"] == "/etc/serving"
    config = text_format.Parse(config_map["data"]["models.config"], ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("imdb_sentiment", "/mnt/models")
    assert list(model.model_version_policy.specific.versions) == [3]
    assert predictor["model"]["storageUri"] == URI


@pytest.mark.parametrize("uri", ["", "/srv/models", "ftp://host/models", "gs://", "gs:// x"])
def test_an_address_that_kserve_cannot_read_is_refused(release, uri):
    with pytest.raises(InputError, match=r"KServe cannot read .* for example gs://bucket/serving"):
        kserve.render(release, storage_uri=uri)


def test_more_servers_at_rest_than_at_most_are_refused(release):
    with pytest.raises(InputError, match=r"--min-replicas 4 is more than --max-replicas 3\."):
        kserve.render(release, storage_uri=URI, min_replicas=4)


@pytest.mark.parametrize("namespace", ["", "Bad_NS", "-a", "a" * 64])
def test_a_namespace_that_kubernetes_does_not_take_is_refused(release, namespace):
    with pytest.raises(InputError, match=r"--namespace '.*' is not a name of a namespace: at most 63"):
        kserve.render(release, storage_uri=URI, namespace=namespace)


@pytest.mark.parametrize("amount", ["", "lots", "0", "-1", "2 Gi", "2gb"])
def test_an_amount_that_kubernetes_does_not_read_is_refused(release, amount):
    with pytest.raises(InputError, match=r"--cpu '.*' is not a valid .*; for example 500m"):
        kserve.render(release, storage_uri=URI, cpu=amount)
    with pytest.raises(InputError, match=r"--memory '.*' is not a valid .* for example 512Mi or 2Gi\."):
        kserve.render(release, storage_uri=URI, memory=amount)


@pytest.mark.parametrize(("cpu", "memory"), [("500m", "512Mi"), ("1.5", "2G"), ("4", "1073741824")])
def test_amounts_as_kubernetes_writes_them_are_taken(release, cpu, memory):
    _, service = rendered(release, cpu=cpu, memory=memory)
    limits = service["spec"]["predictor"]["model"]["resources"]["limits"]
    assert limits == {"cpu": cpu, "memory": memory}


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", fullmatch=True))
def test_every_model_name_becomes_a_name_that_dns_takes(name):
    assert re.fullmatch(r"[a-z]([a-z0-9-]{0,44}[a-z0-9])?", kserve.resource_name(name))


def test_the_example_in_the_repository_is_what_is_rendered(release):
    assert kserve.render(release, storage_uri=URI) == EXAMPLE.read_text(), (
        "accept the new rendering by writing it to deploy/kserve/inference-service.yaml"
    )

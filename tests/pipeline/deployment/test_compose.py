"""The Compose file, held against the Compose specification and TensorFlow Serving's own messages."""

import dataclasses
from pathlib import Path

import pytest
import yaml
from compose_viz.spec.compose_spec import ComposeSpecification
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from components.errors import InputError
from pipeline.deployment import compose

EXAMPLE = Path(__file__).parents[3] / "deploy" / "tensorflow-serving" / "compose.yaml"


def rendered(release, **choices):
    return yaml.safe_load(compose.render(release, **choices))


def test_it_is_what_the_compose_specification_allows(release):
    ComposeSpecification.model_validate(rendered(release))


def test_the_specification_would_refuse_a_wrong_key(release):
    wrong = rendered(release)
    wrong["services"]["model"]["healthchek"] = {}
    with pytest.raises(ValueError, match="healthchek"):
        ComposeSpecification.model_validate(wrong)


def test_one_version_is_mounted_read_only_and_served_under_its_own_number(release):
    document = rendered(release)
    (volume,) = document["services"]["model"]["volumes"]
    assert volume["source"] == "/srv/greenlight/serving/imdb_sentiment/3"
    assert volume["target"] == "/models/imdb_sentiment/3"
    assert volume["read_only"] is True
    config = text_format.Parse(document["configs"]["models"]["content"], ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("imdb_sentiment", "/models/imdb_sentiment")
    assert list(model.model_version_policy.specific.versions) == [3]
    assert dict(model.version_labels) == {"stable": 3}


def test_metrics_are_where_greenlight_serve_has_them(release):
    content = rendered(release)["configs"]["monitoring"]["content"]
    assert content == 'prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }\n'


def test_only_this_machine_is_listened_to_unless_told_otherwise(release):
    assert rendered(release)["services"]["model"]["ports"] == ["127.0.0.1:8501:8501", "127.0.0.1:8500:8500"]
    elsewhere = rendered(release, host="0.0.0.0", rest_port=80, grpc_port=81)
    assert elsewhere["services"]["model"]["ports"] == ["0.0.0.0:80:8501", "0.0.0.0:81:8500"]


def test_an_address_of_version_6_stands_in_brackets(release):
    ports = rendered(release, host="::1")["services"]["model"]["ports"]
    assert ports == ["[::1]:8501:8501", "[::1]:8500:8500"]


@pytest.mark.parametrize("host", ["", "1.2.3", "example.org"])
def test_a_host_that_is_no_address_is_refused(release, host):
    with pytest.raises(
        InputError, match=r"--host '.*' is not an IP address; Docker publishes ports on addresses"
    ):
        compose.render(release, host=host)


def test_a_dollar_in_a_path_is_no_variable(release):
    odd = dataclasses.replace(release, store="/srv/$HOME/x")
    assert rendered(odd)["services"]["model"]["volumes"][0]["source"] == "/srv/$$HOME/x/3"


def test_the_example_in_the_repository_is_what_is_rendered(release):
    assert compose.render(release) == EXAMPLE.read_text(), (
        "accept the new rendering by writing it to deploy/tensorflow-serving/compose.yaml"
    )
